"""Two web processes and a real Valkey between them: here two hubs, of which only the first writes replies."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from channels_redis.pubsub import RedisPubSubChannelLayer
from hypothesis import given
from hypothesis import strategies as st

from chat.database import in_thread
from chat.log import read
from chat.log.bell import Ring
from chat.story.models import Chat
from chat.streaming import wire
from chat.streaming.hub import Hub
from chat.streaming.rooms import Member
from chat.streaming.wire import Parcel
from chat.turns.announce import Chunk, Ended, Silent
from tests.chat.streaming.conftest import begin_reply
from tests.chat.streaming.tabs import Tab, Transcript
from tests.factories import say
from tests.servers import Valkey

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def processes(own_valkey: Valkey) -> AsyncIterator[tuple[Hub, Hub]]:
    here = Hub(RedisPubSubChannelLayer(hosts=[own_valkey.url]))
    # The second one sees nothing of the first one's memory.
    other = Hub(RedisPubSubChannelLayer(hosts=[own_valkey.url]), in_flight={})
    for each in (here, other):
        each.start()
    await until(lambda: len(here._wire.peers) == len(other._wire.peers) == 1)
    yield here, other
    for each in (here, other):
        await each.stop()


async def until(ready: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not ready():  # noqa: ASYNC110  (another process tells nobody when it is ready)
            await asyncio.sleep(0.01)


@asynccontextmanager
async def looking(process: Hub, chat: Chat) -> AsyncIterator[Tab]:
    """A tab of one process."""
    room = process.enter(chat.id, head=await in_thread(read.head, chat.stream))
    member = Member("")
    # Nobody is signed in here; the doors are tested elsewhere.
    process._turn_away = nobody
    waiting = [frame.text for frame in await room.join(member, since=room.position)]

    async def receive() -> str:
        while not waiting:
            waiting.extend(frame.text for frame in await member.outbox.take())
        return waiting.pop(0)

    yield Tab(Transcript(), receive, lambda _: asyncio.sleep(0))
    room.leave(member)
    process.leave(room)


async def nobody() -> None:
    """There is nobody to turn away."""


async def test_a_tab_of_another_process_sees_every_word(chat, processes):
    here, other = processes
    async with looking(other, chat) as tab:
        await in_thread(say, chat, "Who is there?")
        await until(lambda: any(chat.id in peer.chats for peer in here._wire.peers.values()))
        reply = await begin_reply(chat, here)
        for number in range(100):
            reply.write(f"{number} ")
            await asyncio.sleep(0)
        page = await tab.until(lambda page: reply.running.text in page.previews.values())
        await reply.settle()
        await other.sweep()
        await tab.until_frame("generation", state="finished")

    assert page.states() == ["started", "finished"]


async def test_nothing_is_sent_where_nobody_looks(chat, processes):
    here, other = processes
    await in_thread(say, chat, "Who is there?")
    reply = await begin_reply(chat, here)
    reply.write("It is me.")

    assert [peer.parcel.take() for peer in here._wire.peers.values()] == [[]]
    assert other.rooms == {}
    await reply.settle()


async def test_one_who_opens_the_chat_in_the_middle_gets_the_text_from_the_process_that_has_it(chat, processes):
    here, other = processes
    await in_thread(say, chat, "Who is there?")
    reply = await begin_reply(chat, here)
    reply.write("It is ")

    async with looking(other, chat) as tab:
        await tab.until(lambda page: "It is " in page.previews.values())
        reply.write("me.")
        page = await tab.until(lambda page: "It is me." in page.previews.values())
        await reply.settle()

    assert [frame["offset"] for frame in page.of("delta")] in ([6], [])


async def test_words_lost_with_the_broker_are_asked_for_again(chat, processes, own_valkey: Valkey):
    here, other = processes
    async with looking(other, chat) as tab:
        await in_thread(say, chat, "Who is there?")
        await until(lambda: any(chat.id in peer.chats for peer in here._wire.peers.values()))
        reply = await begin_reply(chat, here)
        reply.write("It is ")
        await tab.until(lambda page: "It is " in page.previews.values())
        own_valkey.stop()
        reply.write("lost, ")
        await until(lambda: here._wire._failing_since)
        own_valkey.start()

        async def go_on() -> None:
            while True:
                reply.write("me. ")
                await asyncio.sleep(0.1)

        writing = asyncio.ensure_future(go_on())
        page = await tab.until(lambda page: any("lost, me. " in text for text in page.previews.values()))
        writing.cancel()
        await tab.until(lambda page: reply.running.text in page.previews.values())
        await reply.settle()

    assert page.of("snapshot")


async def test_a_broker_that_is_slow_for_a_moment_is_no_alarm_and_one_that_stays_away_is_one(
    processes, own_valkey: Valkey, monkeypatch, caplog
):
    here, _ = processes
    caplog.set_level("INFO", logger=wire.__name__)
    own_valkey.stop()
    here._wire.say_what_is_open()
    await until(lambda: here._wire._failing_since)
    assert not caplog.messages

    monkeypatch.setattr(wire, "TELL_AFTER_SECONDS", 0)
    await until(lambda: caplog.messages or here._wire.say_what_is_open())
    own_valkey.start()
    await until(lambda: len(caplog.messages) == 2 or here._wire.say_what_is_open())

    assert [message.split(":")[0] for message in caplog.messages] == [
        "other web processes get no tokens for now",
        "other web processes get tokens again",
    ]


async def test_the_settled_turn_tells_the_end_when_nobody_else_does(chat, processes):
    _, other = processes
    async with looking(other, chat) as tab:
        await in_thread(say, chat, "Who is there?")
        reply = await begin_reply(chat, Silent())
        reply.write("It is me.")
        other._heard(Ring(chat.stream, 0))
        await other.sweep()
        await tab.until_frame("generation", state="started")
        await reply.settle("stopped")
        other._heard(Ring(chat.stream, 0))
        await tab.until_frame("generation", state="stopped")

    assert [frame["type"] for frame in tab.page.frames][-2:] == ["turn_html", "generation"]


async def test_a_message_of_another_version_is_passed_over(processes):
    here, _ = processes

    here._wire._take({"type": "hub", "call": "sing", "from": "somebody"})
    here._wire._take({"type": "hub"})


@given(st.lists(st.tuples(st.sampled_from("ab"), st.text(min_size=1, max_size=3)), max_size=20))
def test_a_parcel_keeps_the_order_within_each_reply(words):
    parcel, texts = Parcel(), {"a": "", "b": ""}
    for seq, (generation, text) in enumerate(words):
        parcel.add(Chunk(chat=1, generation=generation, seq=seq, offset=len(texts[generation]), text=text))
        texts[generation] += text
    parcel.add(Ended(chat=1, generation="a", speaker_name="Mara", state="finished"))

    items = parcel.take()

    assert len(items) <= 3
    assert items[-1]["news"] == "ended"
    assert {item["generation"]: item["text"] for item in items[:-1]} == {k: text for k, text in texts.items() if text}
    assert json.loads(json.dumps(items)) == items
    assert parcel.take() == []
