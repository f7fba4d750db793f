"""Bodies of requests have an end: without one, anybody could fill the machine's disk.

Django reads a whole body into a file before the first middleware sees the request.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]


class BoundedBodies:
    """Answers 413 where a body is longer than `most` bytes, whatever it says about its length."""

    def __init__(self, application: Application, *, most: int) -> None:
        self._application, self._most = application, most

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        said = dict(scope["headers"]).get(b"content-length", b"0")
        if not said.isdigit() or int(said) > self._most:
            await _too_large(send)
            return
        seen, started = 0, False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            return message if seen <= self._most else {"type": "http.disconnect"}

        async def sent(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        await self._application(scope, counted, sent)
        if seen > self._most and not started:
            await _too_large(send)


async def _too_large(send: Send) -> None:
    headers = [(b"content-type", b"text/plain"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": b"The body of this request is too large.\n"})
