"""The order in which a tab is told of replies and of the turns between them, however quickly they come."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack

import pytest

from chat.database import in_thread
from chat.story.models import Chat
from chat.streaming import frames
from chat.turns import exchange
from chat.turns.announce import Announcer, Chunk, Deciding, Started
from project.asgi import application
from tests.chat.streaming.conftest import Reply, begin_reply, written_reply
from tests.chat.streaming.tabs import Tab, Transcript, tab_in_process
from tests.factories import owner_of, say
from tests.servers import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def log_can_be_read(monkeypatch) -> Iterator[threading.Event]:
    """While it is not set, a room that wants to read the log waits."""
    open_ = threading.Event()
    open_.set()
    after = frames.after

    def wait_and_read(*place, **how):
        assert open_.wait(20)
        return after(*place, **how)

    monkeypatch.setattr(frames, "after", wait_and_read)
    yield open_
    open_.set()


def told(page: Transcript) -> list[str]:
    kinds: dict[str, Callable[[dict], str]] = {
        "turn_html": lambda frame: "reply" if frame["generation"] else "player",
        "generation": lambda frame: frame["state"],
    }
    return [kinds.get(frame["type"], lambda frame: frame["type"])(frame) for frame in page.frames]


async def almost_settled(chat: Chat, announcer: Announcer, tab: Tab) -> Reply:
    """A reply whose words a tab has been told."""
    await in_thread(say, chat, "Who is there?")
    reply = await begin_reply(chat, announcer)
    reply.write("Nobody.")
    await tab.until_frame("delta")
    return reply


def begin_the_next(chat: Chat, announcer: Announcer) -> None:
    announcer.announce(
        Started(chat=chat.id, generation="next", speaker=chat.present[0], speaker_name="Mara", rewrites=None)
    )
    announcer.announce(Chunk(chat=chat.id, generation="next", seq=1, offset=0, text="Listen."))


async def test_a_reply_that_is_quicker_than_the_log_is_told_after_what_it_answers_and_before_its_turn(
    chat, session, switchboard, log_can_be_read
):
    async with tab_in_process(application, chat.id, session=session) as tab:
        log_can_be_read.clear()
        await written_reply(chat, switchboard, "Nobody.")
        log_can_be_read.set()
        page = await tab.until(lambda page: "finished" in page.states())

    assert told(page) == ["hello", "player", "started", "delta", "reply", "finished"]


async def test_what_is_decided_after_a_reply_is_told_after_its_end(chat, session, switchboard, log_can_be_read):
    async with tab_in_process(application, chat.id, session=session) as tab:
        reply = await almost_settled(chat, switchboard, tab)
        log_can_be_read.clear()
        await reply.settle()
        switchboard.announce(Deciding(chat=chat.id, generation="next", witnesses=["Mara"], rewrites=None))
        log_can_be_read.set()
        page = await tab.until(lambda page: "deciding" in page.states() and "finished" in page.states())

    assert told(page)[-3:] == ["reply", "finished", "deciding"]


async def test_a_reply_that_failed_is_told_after_what_it_could_not_answer(chat, session, switchboard, log_can_be_read):
    async with tab_in_process(application, chat.id, session=session) as tab:
        log_can_be_read.clear()
        await in_thread(say, chat, "Who is there?")
        reply = await begin_reply(chat, switchboard)
        await reply.settle("failed")
        log_can_be_read.set()
        page = await tab.until(lambda page: "failed" in page.states())

    assert told(page) == ["hello", "player", "started", "failed"]


async def test_a_reply_to_nothing_new_that_is_quicker_than_the_log_is_told_before_its_turn(
    chat, session, switchboard, log_can_be_read
):
    owner = await in_thread(owner_of, chat)
    async with tab_in_process(application, chat.id, session=session) as tab:
        log_can_be_read.clear()
        await in_thread(lambda: exchange.record_turn(chat, user=owner, text="", speaker=None, key=None))
        reply = await begin_reply(chat, switchboard)
        reply.write("Nobody.")
        await reply.settle()
        log_can_be_read.set()
        page = await tab.until(lambda page: "finished" in page.states())

    assert told(page) == ["hello", "started", "delta", "reply", "finished"]


async def test_who_comes_while_an_end_waits_for_its_turn_is_told_of_the_next_reply_once(
    chat, session, switchboard, log_can_be_read
):
    async def come(since: int) -> Transcript:
        async with tab_in_process(application, chat.id, session=session, since=since) as tab:
            return await tab.until(lambda page: page.previews.get("next") == "Listen. Now.")

    async with tab_in_process(application, chat.id, session=session) as first:
        reply = await almost_settled(chat, switchboard, first)
        log_can_be_read.clear()
        await reply.settle()
        begin_the_next(chat, switchboard)
        second = asyncio.create_task(come(first.page.position))
        members = switchboard.rooms[chat.id].members
        await asyncio.to_thread(eventually, lambda: len(members) == 2, what="the second tab")
        log_can_be_read.set()
        await first.until(lambda page: "finished" in page.states())
        switchboard.announce(Chunk(chat=chat.id, generation="next", seq=2, offset=7, text=" Now."))
        page = await second

    assert told(page) == ["hello", "snapshot", "reply", "finished", "delta"]


async def test_while_the_log_cannot_be_read_what_is_written_goes_on_being_told(
    chat, session, switchboard, log_can_be_read, monkeypatch
):
    def fail(*_, **__):
        raise OSError("the database is away")

    async with tab_in_process(application, chat.id, session=session) as tab:
        reply = await almost_settled(chat, switchboard, tab)
        monkeypatch.setattr(frames, "after", fail)
        await reply.settle()
        begin_the_next(chat, switchboard)

        await tab.until(lambda page: page.previews.get("next") == "Listen.")


async def test_a_tab_that_begins_afresh_changes_nothing_for_the_others(chat, session, switchboard, log_can_be_read):
    async with AsyncExitStack() as stack:
        tabs = [
            await stack.enter_async_context(tab_in_process(application, chat.id, session=session)) for _ in range(6)
        ]
        log_can_be_read.clear()
        await written_reply(chat, switchboard, "Nobody.")
        slow = next(iter(switchboard.rooms[chat.id].members))
        slow.outbox.most = 0
        log_can_be_read.set()
        pages = [await tab.until(lambda page: {"finished", "reset"} & {*told(page)}) for tab in tabs]

    ways = [told(page) for page in pages]
    assert ways.count(["hello", "player", "started", "delta", "reply", "finished"]) == 5
    assert [way for way in ways if "reset" in way] == [["hello", "reset"]]
