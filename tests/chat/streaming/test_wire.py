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
from chat.story.models import Chat
from chat.streaming.hub import Hub
from chat.streaming.rooms import Member
from chat.streaming.wire import Parcel
from chat.turns.announce import Chunk, Ended
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
        await until(lambda: not here._wire._works)
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
