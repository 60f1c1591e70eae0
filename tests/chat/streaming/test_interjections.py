"""What tabs are told while it is being decided whether a silent witness speaks up."""

import pytest

from chat.database import in_thread
from chat.story.models import Chat
from chat.turns import exchange
from chat.turns.announce import chosen
from project.asgi import application
from tests.chat.streaming.tabs import tab_in_process
from tests.factories import owner_of
from tests.model_server import ScriptedModelServer, answer_json, nothing, say

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reader(settings):
    with ScriptedModelServer() as server:
        settings.MODEL_URL, settings.MODEL = server.url, "scripted"
        settings.READER_URL, settings.READER_MODEL = server.url, "reader"
        yield server


async def post(chat: Chat, text: str) -> None:
    owner = await in_thread(owner_of, chat)
    await exchange.post_turn(chat, user=owner, text=text, announcer=chosen())


async def test_tabs_are_told_who_is_asked_and_then_who_speaks(reader, chat, session, switchboard):
    reader.script(say("Never."), answer_json({"interject": True, "who": "Mara", "why": ""}), say("“She lies.”"))
    async with tab_in_process(application, chat.id, session=session) as tab:
        await post(chat, "Ilse?")
        await tab.until_frame("generation", 2, state="finished")

        states = [(frame["state"], frame["speaker"]) for frame in tab.page.of("generation")]
        assert states == [
            ("started", "Ilse"), ("finished", "Ilse"), ("deciding", ""), ("started", "Mara"), ("finished", "Mara"),
        ]  # fmt: skip
        assert tab.page.of("generation")[2]["witnesses"] == ["Mara"]
        assert "She lies" in list(tab.page.turns.values())[-1]


async def test_a_tab_that_comes_in_the_middle_is_told_and_can_stop_it(reader, chat, session, switchboard):
    reader.script(say("Never."), nothing())
    async with tab_in_process(application, chat.id, session=session) as first:
        await post(chat, "Ilse?")
        await first.until_frame("generation", state="deciding")
        async with tab_in_process(application, chat.id, session=session) as tab:
            told = await tab.until_frame("generation", state="deciding")
            assert told["witnesses"] == ["Mara"]
            await tab.send(type="stop")
            ended = await tab.until_frame("generation", state="nobody")

    assert ended["generation"] == told["generation"]
    assert ended["turn_id"] is None
