"""Effect and Decision are one commit; who comes at the same time is dealt with before or after, never in between."""

import threading

import pytest
from django.db import DatabaseError, connection, transaction

from agent.models import Attempt, AuditEntry, Bookmark, DismissedEvent
from agent.operations import audit
from agent.operations.dismiss import DismissEvent, EventPassedError, dismiss_event
from agent.operations.operator import NotPermittedError, Operator
from agent.operations.pause import Pause, pause
from agent.operations.retry import NothingToRetryError, RetryLane, retry_lane
from agent.subscriptions import effect, lanes
from chat.errors import ChatError
from chat.log.models import Event
from tests.agent.operations.conftest import at_once, operator, poisoned, work
from tests.agent.readers import note, notes
from tests.factories import say

pytestmark = pytest.mark.django_db(transaction=True)


def dismissal(stuck, **said) -> DismissEvent:
    return DismissEvent(**{"reaction": "noter", "event_id": stuck.poison, "reason": "Poison", **said})


def decisions() -> int:
    return Event.objects.filter(stream__name="operations").count()


#: Tables written by a dismissal, each of which may fail.
BROKEN = ["chat_event", "agent_auditentry", "agent_dismissedevent", "agent_bookmark"]


@pytest.mark.parametrize("table", BROKEN)
def test_when_one_of_the_writes_fails_none_is_there(stuck, table):
    anna = operator("dismiss_event")
    stood = Bookmark.objects.values().get(id=stuck.lane.pk)

    with broken(table), pytest.raises(DatabaseError):
        dismiss_event(dismissal(stuck), by=anna)

    assert decisions() == 0
    assert not AuditEntry.objects.exists()
    assert not DismissedEvent.objects.exists()
    assert Bookmark.objects.values().get(id=stuck.lane.pk) == stood
    assert dismiss_event(dismissal(stuck), by=anna).decision_id


class broken:  # noqa: N801  (reads as a word)
    """A trigger that lets no write to a table through; on the bookmarks, none that moves one."""

    def __init__(self, table: str) -> None:
        act = "UPDATE" if table == "agent_bookmark" else "INSERT"
        if connection.vendor == "sqlite":
            body = f"CREATE TRIGGER broken BEFORE {act} ON {table} BEGIN SELECT RAISE(ABORT, 'broken'); END"
            self.make, self.drop = [body], ["DROP TRIGGER broken"]
        else:
            raises = "BEGIN RAISE EXCEPTION 'broken'; END"
            self.make = [
                f"CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ {raises} $$",
                f"CREATE TRIGGER broken BEFORE {act} ON {table} FOR EACH ROW EXECUTE FUNCTION broken()",
            ]
            self.drop = [f"DROP TRIGGER broken ON {table}", "DROP FUNCTION broken"]

    def __enter__(self) -> None:
        run(self.make)

    def __exit__(self, *_: object) -> None:
        run(self.drop)


def run(statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_who_may_not_never_reaches_a_lock(stuck):
    eve = operator("view_desk")

    with holding(stuck), pytest.raises(NotPermittedError):
        dismiss_event(dismissal(stuck), by=eve)


class holding:  # noqa: N801  (reads as a word)
    """Somebody else holds the lane's row (on SQLite: reads, which holds nobody up)."""

    def __init__(self, stuck) -> None:
        self.lane, self.held, self.done = stuck.lane.pk, threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._hold)

    def _hold(self) -> None:
        if connection.vendor == "postgresql":
            with transaction.atomic():
                Bookmark.objects.select_for_update().get(id=self.lane)
                self.held.set()
                self.done.wait(20)
        self.held.set()
        connection.close()

    def __enter__(self) -> None:
        self.thread.start()
        assert self.held.wait(10)

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()


def again(by: Operator) -> Operator:
    """The same person in another request."""
    return Operator(user=by.user, channel=by.channel)


def test_fifty_posts_of_one_key_are_one_decision(stuck):
    anna = operator("dismiss_event")

    answers = at_once([lambda: dismiss_event(dismissal(stuck, key="k"), by=again(anna))] * 50)

    done = [one for one in answers if not isinstance(one, ChatError)]
    # A machine that is busy may keep one waiting for longer than a lock is waited for.
    assert {one.status for one in answers if isinstance(one, ChatError)} <= {503}
    assert len({one.decision_id for one in done}) == 1
    assert decisions() == 1


def test_of_two_dismissals_at_once_one_is_told_that_it_came_late(stuck):
    anna, otto = operator("dismiss_event"), operator("dismiss_event")

    answers = at_once([lambda who=who: dismiss_event(dismissal(stuck), by=who) for who in (anna, otto)])

    assert sorted(isinstance(one, EventPassedError) for one in answers) == [False, True]
    assert decisions() == 1


def test_a_dismissal_and_a_retry_at_once_leave_one_of_two_worlds(stuck):
    anna, otto = operator("dismiss_event"), operator("retry_lane")
    retry = RetryLane(subscriber="noter", stream=stuck.stream)

    dismissed, retried = at_once([lambda: dismiss_event(dismissal(stuck), by=anna), lambda: retry_lane(retry, by=otto)])

    assert not isinstance(dismissed, ChatError)
    assert isinstance(retried, NothingToRetryError) or decisions() == 2
    assert stuck.lane.position == stuck.poison


def test_decisions_of_many_lanes_make_one_chain(stuck, noter):
    people = [operator("pause_subscriber", "dismiss_event") for _ in range(4)]
    calls = [lambda: dismiss_event(dismissal(stuck), by=people[0])]
    calls += [
        lambda who=who, name=name: pause(Pause(subscriber=name, reason="x"), by=who)
        for who, name in zip(people[1:], ["noter", "counter", "noter"], strict=True)
    ]

    at_once(calls)

    assert decisions() == 3
    assert audit.verify() == []


def test_what_a_worker_brings_for_a_dismissed_event_is_thrown_away(stuck, noter, reactor):
    noter.act = lambda _: None
    retry_lane(RetryLane(subscriber="noter", stream=stuck.stream), by=operator("retry_lane"))
    claim = lanes.claim(noter, worker="in mid-call")
    assert claim.event.position == stuck.poison

    dismiss_event(dismissal(stuck), by=operator("dismiss_event"))

    with pytest.raises(lanes.LaneLostError):
        lanes.complete(claim, lambda: effect.take_effect(claim, note(claim.event)))
    assert Attempt.objects.get(id=claim.attempt.id).outcome == Attempt.Outcome.DISCARDED
    assert notes(stuck.chat.id) == []
    work(reactor, noter)
    assert notes(stuck.chat.id) == stuck.after


def test_a_worker_that_commits_while_somebody_decides_is_first_or_is_nobody(stuck, noter):
    noter.act = lambda _: None
    anna = operator("dismiss_event", "retry_lane")
    retry_lane(RetryLane(subscriber="noter", stream=stuck.stream), by=anna)
    claim = lanes.claim(noter, worker="w")

    def commit() -> object:
        try:
            return lanes.complete(claim, lambda: effect.take_effect(claim, note(claim.event)))
        except lanes.LaneLostError as lost:
            return lost

    came, decided = at_once([commit, lambda: dismiss_event(dismissal(stuck), by=again(anna))])

    if isinstance(decided, EventPassedError):
        assert notes(stuck.chat.id) == [stuck.poison]
    else:
        assert isinstance(came, lanes.LaneLostError)
        assert notes(stuck.chat.id) == []


def test_a_lane_does_not_wedge_again_and_what_comes_later_is_read(stuck, noter, reactor):
    noter.act = poisoned
    dismiss_event(dismissal(stuck), by=operator("dismiss_event"))
    newest = say(stuck.chat, "Later")

    work(reactor, noter)

    assert notes(stuck.chat.id) == [*stuck.after, newest]
    assert stuck.lane.wedged_at is None
