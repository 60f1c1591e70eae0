"""The order in which a tab is told of replies and of the turns between them, however quickly they come."""

import threading
from collections.abc import Callable, Iterator

import pytest

from chat.database import in_thread
from chat.streaming import frames
from chat.turns.announce import Deciding
from project.asgi import application
from tests.chat.streaming.conftest import begin_reply
from tests.chat.streaming.tabs import Transcript, tab_in_process
from tests.factories import say

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


async def test_a_reply_that_is_quicker_than_the_log_is_told_after_what_it_answers_and_before_its_turn(
    chat, session, switchboard, log_can_be_read
):
    async with tab_in_process(application, chat.id, session=session) as tab:
        log_can_be_read.clear()
        await in_thread(say, chat, "Who is there?")
        reply = await begin_reply(chat, switchboard)
        reply.write("Nobody.")
        await reply.settle()
        log_can_be_read.set()
        page = await tab.until(lambda page: "finished" in page.states())

    assert told(page) == ["hello", "player", "started", "delta", "reply", "finished"]


async def test_what_is_decided_after_a_reply_is_told_after_its_end(chat, session, switchboard, log_can_be_read):
    async with tab_in_process(application, chat.id, session=session) as tab:
        await in_thread(say, chat, "Who is there?")
        reply = await begin_reply(chat, switchboard)
        reply.write("Nobody.")
        await tab.until_frame("delta")
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
