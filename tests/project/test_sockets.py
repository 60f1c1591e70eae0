"""WebSocket frames that are written without autobahn are those that autobahn would write."""

import asyncio

import pytest
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from project import sockets


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 1_000_000])
def test_a_frame_of_any_size_is_read_back(size):
    reader = StreamReader()
    reader.feed_data(sockets._frame(b"x" * size))
    parsing = Frame.parse(reader.read_exact, mask=False)

    with pytest.raises(StopIteration) as parsed:
        next(parsing)

    assert parsed.value.value == Frame(Opcode.TEXT, b"x" * size)


class Transport:
    """As much of Twisted's as is used: takes `room` bytes at once, keeps the rest."""

    def __init__(self, room: int) -> None:
        self.room, self.offset, self._tempDataLen = room, 0, 0
        self.dataBuffer, self.taken = b"", b""

    def writeSomeData(self, data: bytes) -> int:  # noqa: N802
        taken = data[: self.room]
        self.taken, self.room = self.taken + taken, self.room - len(taken)
        return len(taken)

    def write(self, data: bytes) -> None:
        self.dataBuffer += data


class Protocol:
    STATE_OPEN = state = 3
    _perMessageCompress = None  # noqa: N815

    def __init__(self, room: int) -> None:
        self.transport = Transport(room)


def test_what_the_kernel_does_not_take_waits_in_order():
    protocol = Protocol(room=5)

    assert sockets.write_text(protocol, "one")
    assert sockets.write_text(protocol, "two")
    assert sockets.write_text(protocol, "three")

    transport = protocol.transport
    assert transport.taken + transport.dataBuffer == b"\x81\x03one\x81\x03two\x81\x05three"
    assert transport.taken == b"\x81\x03one"
    assert sockets.unsent(transport) == 12


def test_a_lone_surrogate_ends_no_connection():
    protocol = Protocol(room=100)

    assert sockets.write_text(protocol, "a\ud83db")
    assert protocol.transport.taken == b"\x81\x03a?b"


def test_a_closing_or_compressed_connection_is_left_to_daphne():
    closing, compressed = Protocol(room=9), Protocol(room=9)
    closing.state, compressed._perMessageCompress = 2, object()

    assert not sockets.write_text(closing, "x")
    assert not sockets.write_text(compressed, "x")


async def test_a_sender_waits_until_the_reader_has_taken_most():
    protocol = Protocol(room=0)
    protocol.transport.write(b"x" * (sockets.MOST_UNSENT + 1))
    waiting = sockets.until_taken(protocol)

    sending = asyncio.ensure_future(waiting)
    await asyncio.sleep(0)
    assert not sending.done()
    protocol.transport.dataBuffer = b""
    await sending
