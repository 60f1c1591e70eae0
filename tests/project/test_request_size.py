"""A body that is too large is refused before it is kept anywhere."""

import pytest
from asgiref.testing import ApplicationCommunicator

from project.asgi import application
from project.request_size import MAX_BYTES, with_bodies_of

pytestmark = pytest.mark.once
PIECE = 1024 * 1024


async def echo(scope, receive, send):
    """Answers with how much came."""
    come, more = 0, True
    while more:
        message = await receive()
        come += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(come).encode()})


def post(*headers: tuple[bytes, bytes], path: str = "/accounts/login/") -> dict[str, object]:
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"localhost"), *headers],
    }


async def status_of(answering: ApplicationCommunicator) -> int:
    start = await answering.receive_output(timeout=5)
    assert (await answering.receive_output(timeout=5))["type"] == "http.response.body"
    return start["status"]


@pytest.mark.parametrize("said", [str(MAX_BYTES + 1).encode(), b"9" * 18])
async def test_a_body_that_is_announced_too_large_is_not_even_asked_for(said):
    answering = ApplicationCommunicator(application, post((b"content-length", said)))

    assert await status_of(answering) == 413


async def test_a_body_that_grows_too_large_is_cut_off():
    answering = ApplicationCommunicator(application, post((b"transfer-encoding", b"chunked")))

    for _ in range(MAX_BYTES // PIECE + 1):
        await answering.send_input({"type": "http.request", "body": b"x" * PIECE, "more_body": True})

    assert await status_of(answering) == 413


@pytest.mark.parametrize("said", [str(MAX_BYTES).encode(), b"nonsense", b"-1"])
async def test_the_largest_body_that_is_allowed_comes_through(said):
    answering = ApplicationCommunicator(with_bodies_of(echo), post((b"content-length", said)))

    await answering.send_input({"type": "http.request", "body": b"x" * MAX_BYTES})

    assert await status_of(answering) == 200
