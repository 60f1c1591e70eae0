"""What goes with a turn is told alike before it falls and after."""

import pytest
from django.utils import timezone

from chat.story.fact_payloads import (
    EventCompleted,
    EventPlanned,
    EventStarted,
    MemoryDismissed,
    MemoryFormed,
    MilestoneReached,
    RelationshipChanged,
)
from chat.story.models import Chat, Turn
from chat.turns import claims, leases, rewriting, undoing
from chat.turns.leases import Settled
from chat.turns.models import Generation
from tests.factories import cast_of, make_chat, owner_of
from tests.facts import moved, planned, record, regenerate, reply, texts

pytestmark = pytest.mark.django_db


@pytest.fixture
def chat() -> Chat:
    return make_chat()


def completed(chat: Chat, story_event: int, turn: int) -> None:
    moved(chat, EventCompleted, story_event, turn)
    record(chat, MilestoneReached(story_event=story_event, text="It is done.", turn=turn))


def fall(chat: Chat, turn: int) -> dict[str, int]:
    """What went with a turn, as it was told before it was rewritten and after."""
    before = undoing.undone(chat, Turn.objects.get(id=turn))
    regenerate(chat, turn)
    fallen = Turn.objects.get(id=turn)
    after = undoing.fallen_with(chat, [fallen])[turn]
    assert {name: number for name, number in after.items() if number} == {
        name: number for name, number in before.counts.items() if number
    }
    assert undoing.taken_along(fallen) == before.goes
    return before.counts


def test_all_that_a_turn_had_caused_goes_with_it(chat):
    cast, turn = cast_of(chat), reply(chat, "Mara", "“I open it.”")
    interjection = reply(chat, "Ilse", "“No!”", group=turn, interjection_of=cast["Mara"])
    opened = planned(chat)
    moved(chat, EventStarted, opened, turn)
    completed(chat, opened, interjection)
    record(chat, EventPlanned(title="Burn it", triggered_by_assistant_turn_id=turn))
    kept, _ = record(
        chat,
        *[MemoryFormed(witness=cast["Ilse"], text="That.", importance=5, turn=one) for one in (turn, interjection)],
    )
    record(chat, MemoryDismissed(memory=kept))
    record(chat, RelationshipChanged(character=cast["Ilse"], toward=cast["Mara"], delta=-1, why="", turn=turn))

    assert fall(chat, turn) == {
        "memories": 1, "story_events": 2, "milestones": 1, "relationships": 1, "interjections": 1,
    }  # fmt: skip


def test_what_a_later_turn_has_done_again_does_not_go(chat):
    first, later, opened = reply(chat, "Mara", "One."), reply(chat, "Mara", "Two."), planned(chat)
    moved(chat, EventStarted, opened)
    completed(chat, opened, first)
    completed(chat, opened, later)

    assert not any(fall(chat, first).values())
    went = fall(chat, later)
    assert (went["story_events"], went["milestones"]) == (1, 1)


def test_what_was_planned_by_a_turn_and_moved_by_another_does_not_go(chat):
    turn, later = reply(chat, "Mara", "One."), reply(chat, "Mara", "Two.")
    [burnt] = record(chat, EventPlanned(title="Burn it", triggered_by_assistant_turn_id=turn))
    moved(chat, EventStarted, burnt, turn)
    moved(chat, EventStarted, burnt, later)

    assert not any(fall(chat, turn).values())


def test_what_a_turn_takes_along_when_it_falls_again_is_told_again(chat):
    turn, opened = reply(chat, "Mara", "“I open it.”"), planned(chat)
    moved(chat, EventStarted, opened)
    completed(chat, opened, turn)

    for _ in range(2):
        went = fall(chat, turn)
        assert (went["story_events"], went["milestones"]) == (1, 1)
        rewriting.restore(chat, turn=turn, by=owner_of(chat))


def test_of_two_interjections_of_one_place_that_fell_with_a_reply_the_one_that_comes_back_is_told(chat):
    primary = reply(chat, "Mara", "One.")
    interjection = reply(chat, "Ilse", "“No!”", group=primary, interjection_of=cast_of(chat)["Mara"])
    new = regenerate(chat, primary, "Two.")
    rewriting.restore(chat, turn=primary, by=owner_of(chat))
    claim = claims.claim_rewriting(chat.id, turn=interjection, asked_by="user:1", now=timezone.now())
    rewriting.restore(chat, turn=new, by=owner_of(chat))
    leases.settle(claim, Settled(state=Generation.State.FINISHED, text="“Late.”"), at=timezone.now())

    assert undoing.taken_along(Turn.objects.get(id=primary)) == "1 interjection"
    assert rewriting.interjection_gone_with(primary) == interjection
    rewriting.restore(chat, turn=primary, by=owner_of(chat))
    assert texts(chat) == ["One.", "“No!”"]
