"""The largest body of a request: what is larger is refused before Django keeps a copy of it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

type Message = Mapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]

#: The largest portrait, and room for the form around it.
MAX_BYTES = 6 * 1024 * 1024
REFUSAL = "This is more than can be sent at once: 6 MB at most. Go back: what you wrote is still there.\n"


def with_bodies_of(application: Application, *, most: int = MAX_BYTES) -> Application:
    """The HTTP application, which answers 413 to a body of more than `most` bytes, announced or not."""

    async def limited(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if _announced(scope) > most:
            await _refuse(send)
            return
        come, begun = 0, False

        async def receive_so_much() -> Message:
            nonlocal come
            message = await receive()
            come += len(message.get("body", b""))
            # To the application it is as if the client had gone: Django then lets go of what it has.
            return message if come <= most else {"type": "http.disconnect"}

        async def send_on(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        await application(scope, receive_so_much, send_on)
        if come > most and not begun:
            await _refuse(send)

    return limited


def _announced(scope: dict[str, Any]) -> int:
    """Bytes of the body as the client says; 0 when it does not, or says nonsense: then it is counted."""
    said = next((value for name, value in scope["headers"] if name.lower() == b"content-length"), b"")
    return int(said) if said.isdigit() and len(said) <= len(str(2**63)) else 0


async def _refuse(send: Send) -> None:
    body = REFUSAL.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        # What is still on its way is not waited for.
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
