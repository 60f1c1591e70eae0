"""Rewriting the past: what goes with a turn, and what comes back with it."""

import logging
import random

import pytest
from django.utils import timezone

from chat.log.read import events_of
from chat.story import rebuild, writer
from chat.story.fact_models import Memory, Milestone, StoryEvent
from chat.story.fact_payloads import (
    EventCancelled,
    EventCompleted,
    EventStarted,
    MemoryFormed,
    MilestoneReached,
    RelationshipChanged,
    Transition,
)
from chat.story.models import Chat, Turn
from chat.turns import claims, leases, rewriting, story_events
from chat.turns.leases import Settled
from chat.turns.models import Generation
from chat.turns.standing import NotStandingError
from tests.factories import cast_of, make_chat, owner_of, say
from tests.facts import moved, planned, record, regenerate, reply, status, texts

pytestmark = pytest.mark.django_db

State = Generation.State


@pytest.fixture
def chat() -> Chat:
    return make_chat()


def reverted(chat: Chat) -> list[dict]:
    return [event.payload for event in events_of(chat.stream) if event.kind == "event_status_reverted"]


def read_long_ago(chat: Chat, change: type[Transition], story_event: int) -> int:
    """A transition as older logs have it: a reader wrote it, and did not say which turn it was because of."""
    source = writer.Source(actor="reaction:chronicler", at=timezone.now())
    return writer.write(chat.id, [change(story_event=story_event)], source).events[0].position


def test_regenerate_rolls_back_event_started_from_superseded_turn(chat):
    story_event = planned(chat)
    turn = reply(chat, "Mara", "“I open it.”")
    started = moved(chat, EventStarted, story_event, turn)

    regenerate(chat, turn)

    assert status(story_event) == "planned"
    assert reverted(chat) == [{"story_event": story_event, "prior_status": "planned", "reverts": started, "turn": turn}]
    assert rebuild.differences(chat.id) == []


def test_regenerate_rolls_back_event_completed_to_active(chat):
    by_two, by_one = planned(chat, "By two turns"), planned(chat, "By one turn")
    beginning, end = reply(chat, "Mara", "“I open it.”"), reply(chat, "Ilse", "“It is read, and this too.”")
    began = moved(chat, EventStarted, by_two, beginning)
    ended = moved(chat, EventCompleted, by_two, end)
    both = [moved(chat, change, by_one, end) for change in (EventStarted, EventCompleted)]

    regenerate(chat, end)

    row = StoryEvent.objects.get(id=by_two)
    assert (row.status, row.status_position, row.because_of) == ("active", began, beginning)
    assert status(by_one) == "active"
    assert [(one["reverts"], one["prior_status"]) for one in reverted(chat)] == [
        (ended, "active"),
        (both[0], "planned"),
        (both[1], "active"),
    ]
    assert rebuild.differences(chat.id) == []


def test_what_nobody_began_any_more_goes_back_to_planned_by_hand(chat):
    story_event = planned(chat)
    turn = reply(chat, "Mara", "“I open and read it.”")
    for change in (EventStarted, EventCompleted):
        moved(chat, change, story_event, turn)
    regenerate(chat, turn)

    story_events.back_to_planned(chat, story_event=story_event, by=owner_of(chat))

    assert status(story_event) == "planned"
    assert rebuild.differences(chat.id) == []


def test_regenerate_skips_events_without_back_reference(chat, caplog):
    caplog.set_level(logging.DEBUG, logger="chat.story.rewriting")
    turn = reply(chat, "Mara", "“I open it.”")
    story_events_ = [planned(chat, title) for title in ("One", "Two")]
    moves = [read_long_ago(chat, EventStarted, one) for one in story_events_]

    regenerate(chat, turn)

    assert [status(one) for one in story_events_] == ["active", "active"]
    assert reverted(chat) == []
    told = [(record.levelname, record.args) for record in caplog.records]
    assert [level for level, _ in told] == ["DEBUG", "DEBUG", "WARNING"]
    assert [args[1] for level, args in told if level == "DEBUG"] == moves


def test_regenerate_with_prior_lifecycle_logs_warning(chat, caplog):
    before = read_long_ago(chat, EventStarted, planned(chat, "Before"))
    turn = reply(chat, "Mara", "“I open it.”")
    after = read_long_ago(chat, EventCancelled, planned(chat, "After"))

    regenerate(chat, turn)

    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert f"lifecycle transitions at-or-after turn {turn}" in warning
    assert str(after) in warning
    assert str(before) not in warning.rpartition(":")[2]
    assert "ARE NOT being rolled back" not in warning


def test_what_the_player_moved_by_hand_is_nothing_to_warn_of(chat, caplog):
    turn = reply(chat, "Mara", "“I open it.”")
    story_event = planned(chat)
    story_events.start(chat, story_event=story_event, by=owner_of(chat))

    regenerate(chat, turn)

    assert status(story_event) == "active"
    assert caplog.records == []


def test_what_another_turn_did_on_its_own_stands(chat):
    story_event = planned(chat)
    first, second = reply(chat, "Mara", "One."), reply(chat, "Ilse", "Two.")
    moved(chat, EventStarted, story_event, first)
    again = moved(chat, EventStarted, story_event, second)

    regenerate(chat, first)

    row = StoryEvent.objects.get(id=story_event)
    assert (row.status, row.status_position) == ("active", again)
    regenerate(chat, second)
    assert status(story_event) == "planned"


def test_what_the_player_did_by_hand_stands(chat):
    story_event = planned(chat)
    turn = reply(chat, "Mara", "One.")
    moved(chat, EventStarted, story_event, turn)
    story_events.complete(chat, story_event=story_event, by=owner_of(chat))

    regenerate(chat, turn)

    assert status(story_event) == "completed"


def test_a_reverted_transition_is_never_reverted_again(chat):
    story_event = planned(chat)
    turn = reply(chat, "Mara", "One.")
    moved(chat, EventStarted, story_event, turn)

    again = regenerate(chat, turn)
    moved(chat, EventStarted, story_event, again)
    rewritten = regenerate(chat, again)
    rewriting.restore(chat, turn=turn, by=owner_of(chat))

    assert len(reverted(chat)) == 2
    assert status(story_event) == "active"
    assert StoryEvent.objects.get(id=story_event).because_of == turn
    rewriting.restore(chat, turn=rewritten, by=owner_of(chat))
    assert status(story_event) == "planned"
    assert rebuild.differences(chat.id) == []


def test_what_a_turn_has_caused_goes_and_comes_with_it(chat):
    cast = cast_of(chat)
    story_event = planned(chat)
    moved(chat, EventStarted, story_event)
    turn = reply(chat, "Mara", "“I read it aloud.”")
    record(
        chat,
        EventCompleted(story_event=story_event, triggered_by_assistant_turn_id=turn),
        MilestoneReached(story_event=story_event, text="It is read.", turn=turn),
        MemoryFormed(witness=cast["Ilse"], text="She read it.", importance=6, turn=turn),
        RelationshipChanged(character=cast["Ilse"], toward=cast["Mara"], delta=1, why="She read it.", turn=turn),
    )

    def standing() -> tuple[str, int, int]:
        return status(story_event), Memory.objects.active().count(), Milestone.objects.live().count()

    assert standing() == ("completed", 1, 1)
    new = regenerate(chat, turn)
    assert standing() == ("active", 0, 0)
    rewriting.restore(chat, turn=turn, by=owner_of(chat))
    assert standing() == ("completed", 1, 1)
    rewriting.restore(chat, turn=new, by=owner_of(chat))
    assert standing() == ("active", 0, 0)
    assert rebuild.differences(chat.id) == []


def test_restoring_does_not_move_what_a_later_turn_has_moved_since(chat):
    story_event = planned(chat)
    first, second = reply(chat, "Mara", "One."), reply(chat, "Ilse", "Two.")
    moved(chat, EventStarted, story_event, first)
    regenerate(chat, first)
    moved(chat, EventCancelled, story_event, second)

    rewriting.restore(chat, turn=first, by=owner_of(chat))

    assert status(story_event) == "cancelled"


def test_a_rewriting_that_was_cut_off_undoes_nothing(chat):
    story_event = planned(chat)
    turn = reply(chat, "Mara", "One.")
    moved(chat, EventStarted, story_event, turn)

    partial = regenerate(chat, turn, "Anoth", how=State.STOPPED)

    assert texts(chat) == ["One."]
    assert Turn.objects.get(id=partial).superseded_by == turn
    assert (status(story_event), reverted(chat)) == ("active", [])
    rewriting.restore(chat, turn=partial, by=owner_of(chat))
    assert (texts(chat), status(story_event)) == (["Anoth"], "planned")


def test_retrying_a_stopped_turn_that_was_read_takes_back_what_it_had_caused(chat):
    say(chat, "Mara?")
    claim = claims.claim_reply(chat.id, now=timezone.now(), rng=random.Random(1))
    story_event = planned(chat)
    stopped = leases.settle(claim, Settled(state=State.STOPPED, text="I op"), at=timezone.now())
    moved(chat, EventStarted, story_event, stopped)

    again = claims.claim_retry(chat.id, generation=None, now=timezone.now())
    leases.settle(again, Settled(state=State.FINISHED, text="I open it."), at=timezone.now())

    assert (texts(chat)[-1], status(story_event)) == ("I open it.", "planned")


def test_two_rewritings_of_one_turn_at_once_one_wins_and_the_other_is_told(chat):
    turn = reply(chat, "Mara", "One.")
    claims.claim_rewriting(chat.id, turn=turn, asked_by="user:1", now=timezone.now())

    with pytest.raises(claims.ReplyRunningError):
        claims.claim_rewriting(chat.id, turn=turn, asked_by="user:2", now=timezone.now())


def test_a_turn_that_does_not_stand_and_one_of_the_players_are_not_rewritten(chat):
    old = reply(chat, "Mara", "One.")
    regenerate(chat, old)
    own = say(chat, "Mara?")

    for turn, error in ((old, NotStandingError), (own, claims.NotAReplyError), (0, claims.TurnNotFoundError)):
        with pytest.raises(error):
            claims.claim_rewriting(chat.id, turn=turn, asked_by="user:1", now=timezone.now())
