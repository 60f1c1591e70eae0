"""What a tab may say: turns, stop, retry; and how it is refused."""

import json
from typing import Any

import pytest

from chat.story.models import Chat
from chat.streaming.hub import Hub
from chat.turns import generation
from project.asgi import application
from tests.chat.streaming.tabs import tab_in_process
from tests.model_server import ScriptedModelServer, stall

pytestmark = pytest.mark.django_db(transaction=True)


def tab(chat: Chat, session: str) -> Any:
    return tab_in_process(application, chat.id, session=session)


async def test_a_turn_is_acknowledged_and_a_repeated_one_is_the_same(chat, session, switchboard: Hub, model, settings):
    settings.MODEL_URL, settings.MODEL = model.url, "scripted"

    async with tab(chat, session) as one:
        for _ in range(2):
            await one.send(type="turn", text="Who is there?", key="k1")
        await one.until_frame("posted", 2)
        page = await one.until(lambda page: "finished" in page.states())

    first, second = page.of("posted")
    assert first == second == {"type": "posted", "turn_id": next(iter(page.turns)), "key": "k1"}
    assert len(page.turns) == 2


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("nonsense", 400),
        ("[]", 400),
        ('{"type": "dance"}', 400),
        ('{"type": "turn"}', 400),
        ('{"type": "turn", "text": 7}', 400),
        ('{"type": "turn", "text": "x", "key": 7}', 400),
        (json.dumps({"type": "turn", "text": "x" * 20_001}), 413),
        ('{"type": "turn", "text": "x", "speaker": "Nobody"}', 422),
        ('{"type": "retry"}', 409),
    ],
)
async def test_a_refused_command_is_answered_with_its_status(chat, session, switchboard: Hub, command, status):
    async with tab(chat, session) as one:
        await one.send_text(command)
        refused = await one.until_frame("error")

    assert refused["status"] == status
    assert refused["detail"]


async def test_a_refusal_names_the_key_of_what_was_refused(chat, session, switchboard: Hub):
    async with tab(chat, session) as one:
        await one.send(type="turn", text="x", speaker="Nobody", key="k7")

        assert (await one.until_frame("error"))["key"] == "k7"


async def test_stop_is_a_command(chat, session, switchboard: Hub, model: ScriptedModelServer, settings):
    settings.MODEL_URL, settings.MODEL = model.url, "scripted"
    model.script(stall(after=2))

    async with tab(chat, session) as one:
        await one.send(type="turn", text="Who is there?")
        await one.until(lambda page: page.previews)
        await one.send(type="stop")
        page = await one.until(lambda page: "stopped" in page.states())

    assert page.previews == {}
    assert generation.in_flight_tasks == {}
