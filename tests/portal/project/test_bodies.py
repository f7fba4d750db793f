"""Bodies of requests: bounded before anything of them is kept."""

import asyncio

import pytest

pytest.importorskip("django")

from khazana.portal.project.bodies import BoundedBodies


def asked(chunks, *, length=None, most=10):
    """Status of the answer and how many bytes the application behind got to see."""
    got, answered = bytearray(), []

    async def application(scope, receive, send):
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            got.extend(message["body"])
            if not message["more_body"]:
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})

    waiting = [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
        for number, chunk in enumerate(chunks, 1)
    ]

    async def receive():
        return waiting.pop(0)

    async def send(message):
        answered.append(message)

    headers = [] if length is None else [(b"content-length", length)]
    scope = {"type": "http", "headers": headers}
    asyncio.run(BoundedBodies(application, most=most)(scope, receive, send))
    return answered[0]["status"], len(got)


def test_a_body_up_to_the_bound_goes_through():
    assert asked([b"x" * 5, b"x" * 5], length=b"10") == (200, 10)
    assert asked([b""]) == (200, 0)


@pytest.mark.parametrize("length", [b"11", b"-1", b"ten", b"1e9", b"9" * 30])
def test_a_length_beyond_the_bound_or_none_at_all_is_refused_unread(length):
    assert asked([b"x"], length=length) == (413, 0)


def test_a_body_that_goes_on_without_saying_so_is_cut_off():
    status, seen = asked([b"x" * 6] * 100)
    assert status == 413
    assert seen <= 10
