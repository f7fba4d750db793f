"""Reading a request's body without letting its sender decide how much memory that takes."""

from dataclasses import dataclass

from starlette.requests import Request

from khazana.errors import KhazanaError


@dataclass(eq=False, kw_only=True)
class BodyTooLarge(KhazanaError):
    """A request body over the limit; the rest of it was not read."""

    limit: int
    code = "body_too_large"
    words = "The request's body is larger than {limit} bytes."


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body. Raises `BodyTooLarge` as soon as it passes `limit` bytes."""
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            raise BodyTooLarge(limit=limit)
        pieces.append(piece)
    return b"".join(pieces)
