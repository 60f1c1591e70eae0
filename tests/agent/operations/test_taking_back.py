"""Redelivering what was dismissed, and rebuilding what is derived."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from agent import registry
from agent.models import Attempt, AuditEntry, Bookmark, DismissedEvent, Subscriber
from agent.operations.dismiss import DismissEvent, KindNotReadError, NoSuchEventError, ProjectionError, dismiss_event
from agent.operations.lane import NoSuchLaneError
from agent.operations.rebuild import NoProjectionError, RebuildProjection, RebuildUnderWayError, rebuild_projection
from agent.operations.redeliver import (
    AnswerOutdatedError,
    FailedAgainError,
    LaneAtWorkError,
    NotDismissedError,
    RedeliverEvent,
    TooLateError,
    TurnGoneError,
    redeliver_event,
)
from agent.registry import NoSuchSubscriberError
from agent.subscriptions import lanes, late, seeding
from agent.subscriptions.base import Done, Outcome
from chat.log.models import Event
from tests.agent.operations.conftest import allow, operator, work
from tests.agent.readers import Noter, in_transaction, notes, supersede
from tests.factories import make_chat, make_user, say

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def spared(stuck, noter):
    """The stuck lane after its event was dismissed; the Reaction accepts late events, and fails no more."""
    Noter.accepts_late = True
    noter.act = lambda _: None
    dismiss_event(DismissEvent(reaction="noter", event_id=stuck.poison, reason="x"), by=operator("dismiss_event"))
    yield stuck
    del Noter.accepts_late


@pytest.fixture
def anna(transactional_db):
    return operator("redeliver_event", "rebuild_projection", name="anna")


def closing(act):
    """It runs in a thread that ends with it."""

    def acted(event: Event) -> Outcome | None:
        try:
            return act(event)
        finally:
            connection.close()

    return acted


def redelivery(spared, **said) -> RedeliverEvent:
    return RedeliverEvent(**{"reaction": "noter", "event_id": spared.poison, "reason": "The model was mended", **said})


def test_what_was_dismissed_is_reacted_to_once_and_late(spared, noter, reactor, anna):
    work(reactor, noter)
    at, said_in = spared.lane.position, []
    noter.act = closing(lambda _: said_in.append(in_transaction()))

    decided = redeliver_event(redelivery(spared), by=anna)

    assert notes(spared.chat.id) == [*spared.after, spared.poison]
    assert said_in == [False], "no transaction is open while a Reaction works"
    assert (spared.lane.position, spared.lane.leased_until) == (at, None)
    assert not DismissedEvent.objects.exists()
    assert decided.after["outcome"] == Attempt.objects.latest("id").outcome == "done"
    with pytest.raises(NotDismissedError):
        redeliver_event(redelivery(spared), by=anna)


def test_what_fails_again_stays_dismissed_and_leaves_its_trace(spared, noter, anna):
    def fail(_: Event) -> None:
        raise ValueError("still")

    noter.act = fail

    with pytest.raises(FailedAgainError, match="still"):
        redeliver_event(redelivery(spared), by=anna)

    assert notes(spared.chat.id) == []
    assert DismissedEvent.objects.filter(event=spared.poison).exists()
    assert Attempt.objects.latest("id").error == "ValueError"
    assert spared.lane.leased_until is None
    assert not AuditEntry.objects.filter(act="redeliver_event").exists()


def test_a_turn_that_was_superseded_while_it_was_read_has_no_effect(spared, noter, anna):
    noter.act = closing(lambda _: supersede(spared.poison))

    with pytest.raises(TurnGoneError):
        redeliver_event(redelivery(spared), by=anna)

    assert notes(spared.chat.id) == []
    assert Attempt.objects.latest("id").outcome == Attempt.Outcome.DISCARDED
    with pytest.raises(TurnGoneError):
        redeliver_event(redelivery(spared), by=anna)


def test_an_answer_that_rests_on_a_superseded_turn_is_thrown_away_and_may_be_asked_for_again(spared, noter, anna):
    def outdated(_: Event) -> Outcome:
        supersede(spared.after[0])
        return Done([], turns=[spared.after[0]])

    noter.act = closing(outdated)
    with pytest.raises(AnswerOutdatedError, match="Try again"):
        redeliver_event(redelivery(spared, key="k"), by=anna)
    assert Attempt.objects.latest("id").outcome == Attempt.Outcome.DISCARDED

    noter.act = lambda _: None
    redeliver_event(redelivery(spared, key="k"), by=anna)

    assert notes(spared.chat.id) == [spared.poison]


def test_a_lane_that_is_at_work_is_not_disturbed(spared, noter, anna):
    assert lanes.claim(noter, worker="w").event.position == spared.after[0]

    with pytest.raises(LaneAtWorkError):
        redeliver_event(redelivery(spared), by=anna)


def test_a_lane_goes_on_though_a_redelivery_was_cut_short(spared, noter, reactor):
    work(reactor, noter)
    event = Event.objects.select_related("stream").get(position=spared.poison)
    late.hold(spared.lane, noter, event, worker="killed")
    Bookmark.objects.filter(id=spared.lane.pk).update(leased_until=timezone.now() - timedelta(seconds=1))
    turn = say(spared.chat, "Goes on?")

    work(reactor, noter)

    assert notes(spared.chat.id) == [*spared.after, turn]
    assert Attempt.objects.get(worker="killed").outcome == Attempt.Outcome.LOST


def test_a_redelivery_cut_short_at_the_head_of_its_lane_leaves_nothing_open(spared, noter, reactor):
    work(reactor, noter)
    event = Event.objects.select_related("stream").get(position=spared.poison)
    late.hold(spared.lane, noter, event, worker="killed")
    Bookmark.objects.filter(id=spared.lane.pk).update(leased_until=timezone.now() - timedelta(seconds=1))

    work(reactor, noter)

    assert Attempt.objects.get(worker="killed").outcome == Attempt.Outcome.LOST
    assert (spared.lane.leased_until, spared.lane.due_at) == (None, None)


def test_what_may_not_be_late_is_not_redelivered(spared, anna):
    Noter.accepts_late = False

    with pytest.raises(TooLateError):
        redeliver_event(redelivery(spared), by=anna)


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ({"reaction": "nobody"}, NoSuchSubscriberError),
        ({"reaction": "counter"}, ProjectionError),
        ({"event_id": 10**12}, NoSuchEventError),
        ({"event_id": "first"}, KindNotReadError),
        ({"event_id": "of no lane"}, NoSuchLaneError),
    ],
)
def test_what_is_not_there_is_not_redelivered(spared, anna, said, refusal):
    if said.get("event_id") == "first":
        said = {"event_id": Event.objects.filter(stream__name=spared.stream).earliest("position").position}
    if said.get("event_id") == "of no lane":
        said = {"event_id": say(make_chat(), "Elsewhere")}

    with pytest.raises(refusal):
        redeliver_event(redelivery(spared, **said), by=anna)


def test_ours_accept_late_events_where_that_is_harmless():
    assert {one.name for one in registry.reactions() if one.accepts_late} == {"chronicler", "run_debriefer"}


def test_a_projection_is_rebuilt_with_a_reason(noter, anna):
    turn = say(make_chat(), "One")
    counter = registry.projection("counter")
    counter.applied.clear()
    command = RebuildProjection(projection="counter", reason="A case was missing", key="k")

    decided = rebuild_projection(command, by=anna, here=True)

    row = Subscriber.objects.get(name="counter")
    assert (row.epoch, row.rebuilding) == (decided.after["rebuilding"], None)
    assert [position for _, position in counter.applied[row.epoch]] == [turn]
    assert rebuild_projection(command, by=anna, here=True) == decided
    assert Subscriber.objects.get(name="counter").epoch == row.epoch, "a repeated command does nothing"


def test_a_rebuild_that_was_cut_short_is_begun_again_only_when_told_to(noter, anna):
    Subscriber.objects.filter(name="counter").update(rebuilding=7)

    with pytest.raises(RebuildUnderWayError):
        rebuild_projection(RebuildProjection(projection="counter", reason="x"), by=anna, here=True)
    rebuild_projection(RebuildProjection(projection="counter", reason="x", restart=True), by=anna, here=True)

    assert Subscriber.objects.get(name="counter").epoch == 8
    with pytest.raises(NoProjectionError):
        rebuild_projection(RebuildProjection(projection="noter", reason="x"), by=anna, here=True)


def test_both_by_the_command_line(spared):
    allow(make_user("otto"), "redeliver_event", "rebuild_projection")
    seeding.notice([registry.projection("turn_search")])
    seeding.register([registry.projection("turn_search")])
    why = ["--as-user=otto", "--reason=Mended", "--format=json"]

    assert run("redeliver_event", "noter", str(spared.poison), *why)["choice"] == "EventRedelivered"
    assert run("rebuild_projection", "turn_search", *why)["choice"] == "RebuildBegun"
    assert Bookmark.objects.filter(subscriber="turn_search", epoch=1).exists()


def run(*words: str) -> dict:
    out = StringIO()
    call_command(*words, stdout=out)
    return json.loads(out.getvalue())
