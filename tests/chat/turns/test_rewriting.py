"""Rewriting the past: what goes with a turn, and what comes back with it."""

import logging
import random

import pytest
from django.utils import timezone

from chat.log.read import events_of
from chat.story import rebuild
from chat.story.fact_models import Memory, Milestone, StoryEvent
from chat.story.fact_payloads import (
    EventCancelled,
    EventCompleted,
    EventPlanned,
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
from tests.factories import cast_of, make_chat, owner_of, say
from tests.facts import record, reply

pytestmark = pytest.mark.django_db

State = Generation.State


@pytest.fixture
def chat() -> Chat:
    return make_chat()


def rewrite(chat: Chat, turn: int, text: str = "Another way.", *, how: str = State.FINISHED) -> int:
    """A whole regenerate but the asking of the model; the new turn."""
    claim = claims.claim_rewriting(chat.id, turn=turn, asked_by="user:1", now=timezone.now())
    written = leases.settle(claim, Settled(state=State(how), text=text), at=timezone.now())
    assert written is not None
    return written


def planned(chat: Chat, title: str = "Open the letter") -> int:
    return record(chat, EventPlanned(title=title))[0]


def moved(chat: Chat, change: type[Transition], story_event: int, turn: int | None = None) -> int:
    return record(chat, change(story_event=story_event, triggered_by_assistant_turn_id=turn))[0]


def status(story_event: int) -> str:
    return StoryEvent.objects.get(id=story_event).status


def reverted(chat: Chat) -> list[dict]:
    return [event.payload for event in events_of(chat.stream) if event.kind == "event_status_reverted"]


def live(chat: Chat) -> list[str]:
    return [turn.text for turn in chat.turns.live().in_story_order()]


def test_regenerate_rolls_back_event_started_from_superseded_turn(chat):
    story_event = planned(chat)
    turn = reply(chat, "Mara", "“I open it.”")
    started = moved(chat, EventStarted, story_event, turn)

    rewrite(chat, turn)

    assert status(story_event) == "planned"
    assert reverted(chat) == [{"story_event": story_event, "prior_status": "planned", "reverts": started, "turn": turn}]
    assert rebuild.differences(chat.id) == []


def test_regenerate_rolls_back_event_completed_to_active(chat):
    story_event = planned(chat)
    beginning, end = reply(chat, "Mara", "“I open it.”"), reply(chat, "Ilse", "“It is read.”")
    began = moved(chat, EventStarted, story_event, beginning)
    moved(chat, EventCompleted, story_event, end)

    rewrite(chat, end)

    row = StoryEvent.objects.get(id=story_event)
    assert (row.status, row.status_position, row.because_of) == ("active", began, beginning)


def test_regenerate_of_a_turn_that_started_and_completed_leaves_it_active(chat):
    story_event = planned(chat)
    turn = reply(chat, "Mara", "“I open and read it.”")
    moves = [moved(chat, change, story_event, turn) for change in (EventStarted, EventCompleted)]

    rewrite(chat, turn)

    assert [(one["reverts"], one["prior_status"]) for one in reverted(chat)] == [
        (moves[0], "planned"),
        (moves[1], "active"),
    ]
    assert status(story_event) == "active"
    story_events.back_to_planned(chat, story_event=story_event, by=owner_of(chat))
    assert status(story_event) == "planned"
    assert rebuild.differences(chat.id) == []


def test_regenerate_skips_events_without_back_reference(chat, caplog):
    caplog.set_level(logging.DEBUG, logger="chat.story.rewriting")
    turn = reply(chat, "Mara", "“I open it.”")
    story_events_ = [planned(chat, title) for title in ("One", "Two")]
    moves = [moved(chat, EventStarted, one) for one in story_events_]

    rewrite(chat, turn)

    assert [status(one) for one in story_events_] == ["active", "active"]
    assert reverted(chat) == []
    told = [(record.levelname, record.args) for record in caplog.records]
    assert [level for level, _ in told] == ["DEBUG", "DEBUG", "WARNING"]
    assert [args[1] for level, args in told if level == "DEBUG"] == moves


def test_regenerate_with_prior_lifecycle_logs_warning(chat, caplog):
    before = moved(chat, EventStarted, planned(chat, "Before"))
    turn = reply(chat, "Mara", "“I open it.”")
    after = moved(chat, EventCancelled, planned(chat, "After"))

    rewrite(chat, turn)

    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert f"lifecycle transitions at-or-after turn {turn}" in warning
    assert str(after) in warning
    assert str(before) not in warning.rpartition(":")[2]
    assert "ARE NOT being rolled back" not in warning


def test_what_another_turn_did_on_its_own_stands(chat):
    story_event = planned(chat)
    first, second = reply(chat, "Mara", "One."), reply(chat, "Ilse", "Two.")
    moved(chat, EventStarted, story_event, first)
    again = moved(chat, EventStarted, story_event, second)

    rewrite(chat, first)

    row = StoryEvent.objects.get(id=story_event)
    assert (row.status, row.status_position) == ("active", again)
    rewrite(chat, second)
    assert status(story_event) == "planned"


def test_what_the_player_did_by_hand_stands(chat):
    story_event = planned(chat)
    turn = reply(chat, "Mara", "One.")
    moved(chat, EventStarted, story_event, turn)
    story_events.complete(chat, story_event=story_event, by=owner_of(chat))

    rewrite(chat, turn)

    assert status(story_event) == "completed"


def test_a_reverted_transition_is_never_reverted_again(chat):
    story_event = planned(chat)
    turn = reply(chat, "Mara", "One.")
    moved(chat, EventStarted, story_event, turn)

    again = rewrite(chat, turn)
    moved(chat, EventStarted, story_event, again)
    rewritten = rewrite(chat, again)
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
    new = rewrite(chat, turn)
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
    rewrite(chat, first)
    moved(chat, EventCancelled, story_event, second)

    rewriting.restore(chat, turn=first, by=owner_of(chat))

    assert status(story_event) == "cancelled"


def test_a_rewriting_that_was_cut_off_undoes_nothing(chat):
    story_event = planned(chat)
    turn = reply(chat, "Mara", "One.")
    moved(chat, EventStarted, story_event, turn)

    partial = rewrite(chat, turn, "Anoth", how=State.STOPPED)

    assert live(chat) == ["One."]
    assert Turn.objects.get(id=partial).superseded_by == turn
    assert (status(story_event), reverted(chat)) == ("active", [])
    rewriting.restore(chat, turn=partial, by=owner_of(chat))
    assert (live(chat), status(story_event)) == (["Anoth"], "planned")


def test_retrying_a_stopped_turn_that_was_read_takes_back_what_it_had_caused(chat):
    say(chat, "Mara?")
    claim = claims.claim_reply(chat.id, now=timezone.now(), rng=random.Random(1))
    story_event = planned(chat)
    stopped = leases.settle(claim, Settled(state=State.STOPPED, text="I op"), at=timezone.now())
    moved(chat, EventStarted, story_event, stopped)

    again = claims.claim_retry(chat.id, generation=None, now=timezone.now())
    leases.settle(again, Settled(state=State.FINISHED, text="I open it."), at=timezone.now())

    assert (live(chat)[-1], status(story_event)) == ("I open it.", "planned")


def test_two_rewritings_of_one_turn_at_once_one_wins_and_the_other_is_told(chat):
    turn = reply(chat, "Mara", "One.")
    claims.claim_rewriting(chat.id, turn=turn, asked_by="user:1", now=timezone.now())

    with pytest.raises(claims.ReplyRunningError):
        claims.claim_rewriting(chat.id, turn=turn, asked_by="user:2", now=timezone.now())


def test_a_turn_that_does_not_stand_and_one_of_the_players_are_not_rewritten(chat):
    old = reply(chat, "Mara", "One.")
    rewrite(chat, old)
    own = say(chat, "Mara?")

    for turn, error in ((old, claims.NotStandingError), (own, claims.NotAReplyError), (0, claims.TurnNotFoundError)):
        with pytest.raises(error):
            claims.claim_rewriting(chat.id, turn=turn, asked_by="user:1", now=timezone.now())


def test_an_edit_during_a_rewriting_stands(chat):
    turn = reply(chat, "Mara", "One.")
    claim = claims.claim_rewriting(chat.id, turn=turn, asked_by="user:1", now=timezone.now())
    rewriting.edit(chat, turn=turn, text="Mine.", by=owner_of(chat))

    leases.settle(claim, Settled(state=State.FINISHED, text="The model's."), at=timezone.now())

    assert live(chat) == ["Mine."]


def test_an_edit_keeps_place_witnesses_and_speaker_and_takes_back_what_was_caused(chat):
    own, answer = say(chat, "Mara?"), None
    answer = reply(chat, "Mara", "One.", group=own)
    story_event = planned(chat)
    record(chat, EventStarted(story_event=story_event, triggered_by_user_turn_id=own))

    edited = rewriting.edit(chat, turn=own, text="  Ilse? ", by=owner_of(chat))
    spoken = rewriting.edit(chat, turn=answer, text="Two.", by=owner_of(chat))

    rows = Turn.objects.in_bulk()
    assert live(chat) == ["Ilse?", "Two."]
    assert (rows[edited].place, rows[edited].group, rows[edited].kind) == (own, own, "user_turn")
    assert (rows[spoken].speaker, rows[spoken].witnesses) == (rows[answer].speaker, rows[answer].witnesses)
    assert status(story_event) == "planned"
    assert claims.unanswered(Chat.objects.get(id=chat.id)) == []
    assert rewriting.edit(chat, turn=spoken, text="Two.", by=owner_of(chat)) == spoken
    assert {event.actor for event in events_of(chat.stream) if event.position > answer} == {f"user:{chat.owner_id}"}
    with pytest.raises(rewriting.EmptyTurnError):
        rewriting.edit(chat, turn=spoken, text=" ", by=owner_of(chat))


def test_deleting_a_players_turn_takes_its_turn_group_along_and_undeleting_brings_it_back(chat):
    reply(chat, "Ilse", "Before.")
    own = say(chat, "Mara?")
    answer = reply(chat, "Mara", "One.", group=own)
    story_event = planned(chat)
    moved(chat, EventStarted, story_event, answer)

    rewriting.delete(chat, turn=own, by=owner_of(chat))

    fresh = Chat.objects.get(id=chat.id)
    assert (live(chat), status(story_event)) == (["Before."], "planned")
    assert (fresh.turn_count, fresh.preview) == (1, "Ilse: Before.")
    with pytest.raises(claims.NotStandingError):
        rewriting.delete(chat, turn=own, by=owner_of(chat))
    rewriting.undelete(chat, turn=own, by=owner_of(chat))
    assert (live(chat), status(story_event)) == (["Before.", "Mara?", "One."], "active")
    assert Chat.objects.get(id=chat.id).turn_count == 3
    with pytest.raises(rewriting.NotDeletedError):
        rewriting.undelete(chat, turn=own, by=owner_of(chat))
    assert rebuild.differences(chat.id) == []


def test_a_deleted_turn_is_not_answered_any_more(chat):
    first = say(chat, "Mara?")
    second = say(chat, "Ilse?")

    rewriting.delete(chat, turn=second, by=owner_of(chat))
    assert [event.position for event in claims.unanswered(Chat.objects.get(id=chat.id))] == [first]
    rewriting.delete(chat, turn=first, by=owner_of(chat))
    assert claims.unanswered(Chat.objects.get(id=chat.id)) == []
    rewriting.undelete(chat, turn=second, by=owner_of(chat))
    assert [event.position for event in claims.unanswered(Chat.objects.get(id=chat.id))] == [second]
    assert rebuild.differences(chat.id) == []


def test_an_interjection_goes_with_its_reply_and_comes_back_with_it(chat):
    cast = cast_of(chat)
    own = say(chat, "Mara?")
    primary = reply(chat, "Mara", "One.", group=own)
    interjection = reply(chat, "Ilse", "“No!”", group=own, interjection_of=cast["Mara"])

    new = rewrite(chat, primary)

    rows = Turn.objects.in_bulk()
    assert live(chat) == ["Mara?", "Another way."]
    assert (rows[interjection].superseded_by, rows[interjection].went_with) == (new, primary)
    rewriting.restore(chat, turn=primary, by=owner_of(chat))
    assert live(chat) == ["Mara?", "One.", "“No!”"]
    rewriting.restore(chat, turn=new, by=owner_of(chat))
    assert live(chat) == ["Mara?", "Another way."]
    assert rebuild.differences(chat.id) == []


def test_the_order_stays_when_turn_2_of_10_is_rewritten(chat):
    turns = [reply(chat, "Mara", f"{number}.") for number in range(1, 11)]

    rewrite(chat, turns[1], "Another.")

    assert live(chat) == ["1.", "Another.", *(f"{number}." for number in range(3, 11))]
    assert Chat.objects.get(id=chat.id).preview == "Mara: 10."
