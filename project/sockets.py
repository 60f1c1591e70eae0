"""Writing to WebSockets at once and no faster than they are read; daphne does neither.

Autobahn and Twisted take a tenth of a millisecond to pass on one frame: log lines that nobody reads are formatted,
and the write is put off to the next turn of the loop, at the price of two system calls. With thousands of tokens a
second that is most of the server's work. And what a slow reader does not take piles up in memory without end.
"""

import asyncio
import struct
from typing import Any

from daphne.ws_protocol import WebSocketProtocol

#: Unsent bytes of one connection from which on its sender waits.
MOST_UNSENT = 64 * 1024
POLL_SECONDS = 0.05
_TEXT, _SHORT, _MEDIUM = 0x81, 126, 65536


def write_text(protocol: WebSocketProtocol, text: str) -> bool:
    """Write one text frame now; False when this connection needs daphne's own way."""
    transport = protocol.transport
    if protocol.state != protocol.STATE_OPEN or protocol._perMessageCompress is not None:  # noqa: SLF001
        return False
    # A lone surrogate, which a careless model server may send, must not end the connection.
    frame = _frame(text.encode(errors="replace"))
    if unsent(transport):
        # After what waits already.
        transport.write(frame)
        return True
    sent = transport.writeSomeData(frame)
    if not isinstance(sent, int) or sent < 0:
        return False
    if sent < len(frame):
        transport.write(frame[sent:])
    return True


def is_closing(protocol: WebSocketProtocol) -> bool:
    """Whether this connection takes no more: the other side has said goodbye, or is gone."""
    return protocol.state in {protocol.STATE_CLOSING, protocol.STATE_CLOSED}


async def until_taken(protocol: WebSocketProtocol) -> None:
    """Return once the reader has taken most of what was written, or is gone."""
    transport = protocol.transport
    # Twisted would tell a producer, but a transport has one only, and that is the HTTP channel it came from.
    while unsent(transport) > MOST_UNSENT and protocol.state == protocol.STATE_OPEN:  # noqa: ASYNC110
        await asyncio.sleep(POLL_SECONDS)


def unsent(transport: Any) -> int:
    """Bytes that the kernel has not taken yet."""
    waiting: int = len(transport.dataBuffer) - transport.offset + transport._tempDataLen  # noqa: SLF001
    return waiting


def _frame(payload: bytes) -> bytes:
    """RFC 6455, section 5.2: an unmasked, final text frame."""
    size = len(payload)
    if size < _SHORT:
        return struct.pack("!BB", _TEXT, size) + payload
    if size < _MEDIUM:
        return struct.pack("!BBH", _TEXT, 126, size) + payload
    return struct.pack("!BBQ", _TEXT, 127, size) + payload
