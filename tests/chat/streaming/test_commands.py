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
        ('{"type": "retry", "generation": "\\u0000\\ud800"}', 409),
        ("[" * 100_000, 400),
        ('{"type": "turn", "text": ' + "[" * 5000 + "]" * 5000 + "}", 400),
        ('{"type": "turn", "text": "x", "speaker": ' + "[" * 900 + "]" * 900 + "}", 400),
        ('{"type": "turn", "text": "x", "speaker": 1.5}', 400),
        ('{"type": "turn", "text": "x", "speaker": ' + "9" * 400 + "}", 422),
        ('{"type": "turn", "text": "x", "speaker": ' + "9" * 9000 + "}", 400),
        ('{"type": "turn", "text": "x", "speaker": "\\u0000\\ud800"}', 422),
        ('{"type": "turn", "text": "x", "key": "a\\u0000"}', 422),
        ('{"type": "turn", "text": "x", "key": "a\\ud800"}', 422),
    ],
)
@pytest.mark.usefixtures("switchboard")
async def test_a_refused_command_is_answered_with_its_status(chat, session, caplog, command, status):
    async with tab(chat, session) as one:
        await one.send_text(command)
        refused = await one.until_frame("error")

    assert refused["status"] == status
    assert refused["detail"]
    assert not [record for record in caplog.records if record.exc_info]
    assert not await chat.turns.aexists()


async def test_what_cannot_be_written_is_left_out_of_a_turn(chat, session, switchboard: Hub, model, settings):
    settings.MODEL_URL, settings.MODEL = model.url, "scripted"

    async with tab(chat, session) as one:
        await one.send_text('{"type": "turn", "text": "a \\ud800\\u0000b", "key": "k"}')
        posted = await one.until_frame("posted")
        await one.until(lambda page: "finished" in page.states())

    assert (await chat.turns.aget(id=posted["turn_id"])).text == "a b"


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
