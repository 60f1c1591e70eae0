"""What open tabs and event streams are told when a turn is rewritten, edited, deleted or brought back."""

import json
from typing import Any

import pytest
from django.utils import timezone

from chat.log import read
from chat.story.fact_payloads import MemoryFormed
from chat.story.models import Chat
from chat.story.payloads import AssistantTurn
from chat.streaming import frames
from chat.streaming.hub import Hub
from chat.streaming.storage import LogStorage
from chat.turns import claims, leases, rewriting
from chat.turns.leases import Settled
from chat.turns.models import Generation
from project.asgi import application
from tests.chat.streaming.tabs import tab_in_process
from tests.factories import cast_of, owner_of, say
from tests.facts import record, regenerate, reply
from tests.model_server import ScriptedModelServer
from tests.model_server import say as answer

pytestmark = pytest.mark.django_db(transaction=True)


def told_since(chat: Chat, position: int) -> list[tuple[str, Any]]:
    return [
        (frame.type, frame.body["turn_id"])
        for frame in frames.after(chat.id, position).frames
        if frame.type.startswith("turn_html")
    ]


@pytest.fixture
def answering(model: ScriptedModelServer, settings) -> ScriptedModelServer:
    settings.MODEL_URL, settings.MODEL = model.url, "scripted"
    return model


@pytest.fixture
def group(chat: Chat) -> tuple[int, int, int]:
    """A player's turn, the reply and an interjection."""
    own = say(chat, "Mara?")
    primary = reply(chat, "Mara", "One.", group=own)
    return own, primary, reply(chat, "Ilse", "“No!”", group=own, interjection_of=cast_of(chat)["Mara"])


def test_a_rewritten_reply_and_its_interjection_are_two_swaps_and_a_removal_in_order(chat, group):
    _, primary, interjection = group
    record(chat, MemoryFormed(witness=cast_of(chat)["Ilse"], text="One.", importance=5, turn=primary))
    before = read.head(chat.stream)
    new = regenerate(chat, primary, "Two.")
    redone = AssistantTurn(
        speaker=cast_of(chat)["Ilse"], text="“Never!”", group=group[0], regenerated_from=interjection,
        interjection_of=cast_of(chat)["Mara"],
    )  # fmt: skip
    again = record(chat, redone)[0]

    events = [event for event in LogStorage().get_events(chat.stream, before) if event.type != "chat"]

    assert [event.type for event in events] == ["turn_html_replace", "turn_html_remove", "turn_html_replace"]
    first, gone, second = (json.loads(event.data) for event in events)
    assert (first["turn_id"], first["supersedes_id"]) == (new, primary)
    assert (second["turn_id"], second["supersedes_id"]) == (again, interjection)
    assert gone == {"position": gone["position"], "turn_id": interjection}
    assert f'id="turn-{new}"' in first["html"]
    assert "Two." in first["html"]
    assert 'aria-label="Writing 2 of 2"' in first["html"]
    assert first["told"] == "Rewritten. 1 memory and 1 interjection went with it."
    assert [event.id for event in events] == sorted(event.id for event in events)


def test_an_edit_is_swapped_in_place(chat, group):
    before = read.head(chat.stream)

    new = rewriting.edit(chat, turn=group[0], text="Ilse?", by=owner_of(chat))

    assert told_since(chat, before) == [("turn_html_replace", new)]


def test_a_deleted_group_is_removed_and_comes_back_in_its_places(chat, group):
    before = read.head(chat.stream)
    rewriting.delete(chat, turn=group[0], by=owner_of(chat))
    assert told_since(chat, before) == [("turn_html_remove", turn) for turn in group]

    before = read.head(chat.stream)
    rewriting.undelete(chat, turn=group[0], by=owner_of(chat))
    assert told_since(chat, before) == [("turn_html", turn) for turn in group]


def test_a_restored_writing_is_swapped_in_for_what_stood_there(chat, group):
    _, primary, interjection = group
    new = regenerate(chat, primary, "Two.")
    before = read.head(chat.stream)

    rewriting.restore(chat, turn=primary, by=owner_of(chat))

    told = [frame for frame in frames.after(chat.id, before).frames if frame.type.startswith("turn_html")]
    assert [(frame.type, frame.body["turn_id"]) for frame in told] == [
        ("turn_html_replace", primary),
        ("turn_html", interjection),
    ]
    assert told[0].body["supersedes_id"] == new


def test_an_interjection_that_stands_with_both_writings_is_swapped_for_itself(chat, group):
    _, primary, interjection = group
    new = regenerate(chat, primary, "Two.")
    rewriting.restore(chat, turn=interjection, by=owner_of(chat))
    before = read.head(chat.stream)

    rewriting.restore(chat, turn=primary, by=owner_of(chat))

    told = [frame for frame in frames.after(chat.id, before).frames if frame.type.startswith("turn_html")]
    assert [(frame.type, frame.body["turn_id"], frame.body["supersedes_id"]) for frame in told] == [
        ("turn_html_replace", primary, new),
        ("turn_html_replace", interjection, interjection),
    ]


def test_a_tab_that_slept_while_an_interjection_came_back_and_went_again_is_told_that_it_went(chat, group):
    _, primary, interjection = group
    before = read.head(chat.stream)
    regenerate(chat, primary, "Two.")
    rewriting.restore(chat, turn=primary, by=owner_of(chat))
    regenerate(chat, primary, "Three.")

    told = [frame for frame, turn in told_since(chat, before) if turn == interjection]

    assert told == ["turn_html_remove", "turn_html", "turn_html_remove"]


def test_a_writing_that_was_cut_off_leaves_the_standing_one_with_one_more_writing(chat, group):
    before = read.head(chat.stream)

    regenerate(chat, group[1], "Tw", how="stopped")

    (frame,) = frames.after(chat.id, before).frames
    assert (frame.body["turn_id"], frame.body["supersedes_id"], frame.body["state"]) == (group[1], group[1], "stopped")
    assert 'aria-label="Writing 1 of 2"' in frame.body["html"]
    assert frame.body["told"] == "Mara was stopped. The old writing stands; what was written is kept as ‹ 2/2 ›."


def test_a_writing_that_an_edit_forestalled_is_told_with_where_it_is_kept(chat, group):
    claim = claims.claim_rewriting(chat.id, turn=group[1], asked_by="user:1", now=timezone.now())
    rewriting.edit(chat, turn=group[1], text="Three.", by=owner_of(chat))
    before = read.head(chat.stream)

    leases.settle(claim, Settled(state=Generation.State.FINISHED, text="Two."), at=timezone.now())

    (frame,) = frames.after(chat.id, before).frames
    assert frame.body["told"] == "Another writing stands by now; the one you asked for is kept as ‹ 3/3 ›."


async def test_regenerate_is_a_command_and_every_tab_sees_the_swap(chat, group, session, switchboard: Hub, answering):
    answering.script(answer("Two."))

    async with (
        tab_in_process(application, chat.id, session=session, since=0) as one,
        tab_in_process(application, chat.id, session=session, since=0) as other,
    ):
        await one.send(type="regenerate", turn_id=group[1], guidance="colder", key="k1")
        begun = await one.until_frame("regenerating")
        for tab in (one, other):
            swapped = await tab.until_frame("turn_html_replace")
            assert (swapped["supersedes_id"], swapped["generation"]) == (group[1], begun["generation"])
            await tab.until_frame("generation", state="finished")

    assert (begun["turn_id"], begun["key"]) == (group[1], "k1")
    assert "colder" in json.dumps(answering.requests[0].body["messages"])


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ('{"type": "regenerate"}', 400),
        ('{"type": "regenerate", "turn_id": "x"}', 400),
        ('{"type": "regenerate", "turn_id": 0}', 404),
    ],
)
async def test_a_refused_regenerate_is_answered_with_its_status(chat, session, switchboard: Hub, command, status):
    async with tab_in_process(application, chat.id, session=session) as one:
        await one.send_text(command)

        assert (await one.until_frame("error"))["status"] == status
