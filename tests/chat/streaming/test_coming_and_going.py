"""The law of a tab: one that comes and goes sees what one sees that stays."""

import asyncio
import contextlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.database import in_thread
from chat.log import read
from chat.story.models import Chat, Turn
from chat.streaming.hub import Hub, hub
from chat.turns import chats
from chat.turns.claims import NothingToRetryError
from project.asgi import application
from tests.chat.streaming.conftest import begin_reply, session_of
from tests.chat.streaming.tabs import Transcript, tab_in_process
from tests.factories import make_chat, owner_of, say

pytestmark = pytest.mark.django_db(transaction=True)


def tab(chat: Chat, session: str, **how: Any) -> Any:
    return tab_in_process(application, chat.id, session=session, **how)


#: What happens in a chat while a tab comes and goes.
STEPS = st.lists(
    st.sampled_from(["say", "begin", "write", "write", "settle", "stop", "fail", "retry", "rename", "leave"]),
    min_size=3,
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_a_tab_that_comes_and_goes_sees_what_one_sees_that_stays(transactional_db: None, steps: list[str]):
    chat = make_chat()
    session = session_of(owner_of(chat))

    asyncio.run(come_and_go(chat, session, steps))


async def come_and_go(chat: Chat, session: str, steps: list[str]) -> None:
    switchboard = hub()
    story = Story(chat, switchboard)
    staying, leaving = Transcript(), Transcript()
    began = await in_thread(read.head, chat.stream)
    async with tab(chat, session, page=staying) as stays:
        leaving.position = staying.position
        away = [*steps, "leave"]
        while away:
            stretch = away[: away.index("leave")]
            away = away[len(stretch) + 1 :]
            await story.go_on(stretch[: len(stretch) // 2])
            async with tab(chat, session, since=leaving.position, page=leaving) as comes:
                leaving.previews = {}
                await story.go_on(stretch[len(stretch) // 2 :])
                head = await in_thread(read.head, chat.stream)
                for one in (stays, comes):
                    await one.until(lambda page, head=head: story.stands_on(page, head))
            assert list(staying.turns.items()) == list(leaving.turns.items())
            assert filled(staying) == filled(leaving)
        await story.end()
        head = await in_thread(read.head, chat.stream)
        await stays.until(lambda page: story.stands_on(page, head))
    live = await in_thread(
        lambda: list(Turn.objects.filter(chat=chat).live().in_story_order().values_list("id", flat=True))
    )
    assert list(staying.turns) == [turn for turn in live if turn > began]
    await switchboard.stop()


class Story:
    """A chat in which things happen as they are called."""

    def __init__(self, chat: Chat, switchboard: Hub) -> None:
        self.chat = chat
        self.switchboard = switchboard
        self.reply: Any = None
        self.last = ""

    async def go_on(self, steps: list[str]) -> None:
        for step in steps:
            await getattr(self, step)()

    async def say(self) -> None:
        await in_thread(say, self.chat, "And then?")

    async def begin(self) -> None:
        if self.reply is None:
            await self.say()
            self.reply = await begin_reply(self.chat, self.switchboard)

    async def write(self) -> None:
        if self.reply is not None:
            self.reply.write("It is – 🕯️ ")

    async def settle(self, state: str = "finished") -> None:
        if self.reply is not None:
            if state == "finished":
                await self.write()
            await self.reply.settle(state)
            self.last = "" if state == "finished" else self.reply.running.generation
            self.reply = None

    async def stop(self) -> None:
        await self.settle("stopped")

    async def fail(self) -> None:
        await self.settle("failed")

    async def retry(self) -> None:
        if self.reply is None and self.last:
            with contextlib.suppress(NothingToRetryError):  # something was said since
                self.reply = await begin_reply(self.chat, self.switchboard, retry=self.last)

    async def rename(self) -> None:
        await in_thread(chats.rename, self.chat, title="Another", by=await in_thread(owner_of, self.chat))

    async def end(self) -> None:
        await self.stop()

    def stands_on(self, page: Transcript, head: int) -> bool:
        """Whether the page is at the head of the log, with the text of the reply that is being written."""
        running = self.reply.running if self.reply else None
        written = {running.generation: running.text} if running and running.text else {}
        return page.position >= head and filled(page) == written


def filled(page: Transcript) -> dict[str, str]:
    return {generation: text for generation, text in page.previews.items() if text}
