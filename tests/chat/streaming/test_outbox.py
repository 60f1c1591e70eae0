"""What waits for a browser is bounded."""

import asyncio

from chat.streaming.frames import Frame
from chat.streaming.outbox import Outbox


def delta(seq: int) -> Frame:
    return Frame("delta", {"generation": "a", "seq": seq, "offset": seq, "text": "x"})


async def test_all_that_waits_is_taken_at_once_with_deltas_made_one():
    outbox = Outbox()
    for frame in (Frame("chat", {}), delta(0), delta(1), delta(2), Frame("turn_html", {})):
        outbox.put(frame)

    taken = await outbox.take()

    assert [frame.type for frame in taken] == ["chat", "delta", "turn_html"]
    assert taken[1].body == {"generation": "a", "seq": 2, "offset": 0, "text": "xxx"}


async def test_a_taker_waits_for_the_first_frame():
    outbox = Outbox()
    taking = asyncio.ensure_future(outbox.take())
    await asyncio.sleep(0)

    assert not taking.done()
    outbox.put(delta(0))
    assert await taking == [delta(0)]


async def test_tokens_alone_never_fill_it():
    outbox = Outbox(most=10)

    assert all(outbox.put(delta(seq)) for seq in range(10_000))

    [frame] = await outbox.take()
    assert frame.body["text"] == "x" * 10_000


async def test_one_who_does_not_read_has_to_start_afresh():
    outbox = Outbox(most=10)

    taken = [outbox.put(Frame("turn_html", {"turn_id": number})) for number in range(11)]
    outbox.restart([Frame("reset", {})])

    assert taken == [True] * 10 + [False]
    assert await outbox.take() == [Frame("reset", {})]
