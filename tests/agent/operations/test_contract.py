"""The contract of the doors: every operation, every refusal and the rule of keys, the same through each of them."""

import threading

import pytest
from django.db import connection, transaction

from agent.models import AuditEntry, Bookmark, Refusal
from agent.operations.operator import Operator
from chat.log.models import Event
from tests.agent.operations.conftest import operator
from tests.agent.operations.doors import ACTS, DOORS, Answer, Door

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=DOORS, ids=lambda door: door.__name__)
def kind_of_door(request) -> type[Door]:
    return request.param


@pytest.fixture
def anna(stuck) -> Operator:
    return operator(*ACTS, name="anna")


@pytest.fixture
def door(kind_of_door, anna) -> Door:
    return kind_of_door(anna)


def dismiss(door: Door, stuck, **said) -> Answer:
    return door.call("dismiss_event", **{"subscriber": "noter", "event_id": stuck.poison, "reason": "Poison", **said})


def acts() -> list[str]:
    return list(AuditEntry.objects.exclude(act="create_token").order_by("decision_id").values_list("act", flat=True))


def test_a_dismissal_and_its_preview(door, stuck):
    which = {"subscriber": "noter", "event_id": stuck.after[0]}
    preview = door.call("preview_dismissal", **which).said
    held = {name: preview[name] for name in ("preview_token", "expected_skipped")}

    done = dismiss(door, stuck, event_id=stuck.after[0], **held)

    assert done.said["inputs"]["skipped"] == [stuck.poison, stuck.after[0]]
    assert (stuck.lane.position, stuck.lane.wedged_at) == (stuck.after[0], None)
    entry = AuditEntry.objects.get(decision_id=done.said["decision_id"])
    assert (entry.channel, entry.principal_name, entry.reason) == (door.channel, "anna", "Poison")
    assert (entry.subscriber, entry.stream, entry.event) == ("noter", stuck.stream, stuck.after[0])


def test_a_retry(door, stuck):
    done = door.call("retry_lane", subscriber="noter", stream=stuck.stream)

    assert (done.status, done.said["before"]["state"]) == (201, "wedged")
    assert stuck.lane.wedged_at is None
    again = door.call("retry_lane", subscriber="noter", stream=stuck.stream)
    assert (again.status, again.problem) == (409, "nothing-to-retry")
    assert acts() == ["retry_lane"]


@pytest.mark.parametrize("whole", [True, False], ids=["subscriber", "lane"])
def test_a_pause_and_its_end(door, stuck, whole):
    which = {"subscriber": "noter"} | ({} if whole else {"stream": stuck.stream})

    assert door.call("resume_subscriber", **which).problem == "not-paused"
    assert door.call("pause_subscriber", **which, reason=" ").problem == "no-reason"
    assert door.call("pause_subscriber", **which, reason="On trial").said["after"]["by"] == "anna"
    assert door.call("pause_subscriber", **which, reason="On trial").problem == "already-paused"
    assert (stuck.lane.subscriber if whole else stuck.lane).paused_reason == "On trial"
    assert door.call("resume_subscriber", **which).said["before"]["reason"] == "On trial"
    assert (stuck.lane.subscriber if whole else stuck.lane).paused_at is None
    assert acts() == ["pause_subscriber", "resume_subscriber"]


REFUSALS = {
    "no-reason": (400, {"reason": " \n"}),
    "reason-too-long": (400, {"reason": "x" * 2001}),
    "no-such-subscriber": (404, {"subscriber": "nobody"}),
    "projection": (404, {"subscriber": "counter"}),
    "no-such-event": (404, {"event_id": 10**15}),
    "kind-not-read": (404, {"event_id": "of another kind"}),
    "no-such-lane": (404, {"event_id": "of no lane"}),
    "event-passed": (409, {"event_id": "passed"}),
    "lane-moved": (409, {"preview_token": "of yesterday"}),
    "other-skipped": (409, {"expected_skipped": 1}),
}


@pytest.mark.parametrize("problem", REFUSALS)
def test_a_dismissal_is_refused_and_nothing_changes(door, stuck, problem):
    status, said = REFUSALS[problem]
    before = prepare(stuck, said)
    stood = list(Bookmark.objects.order_by("id").values())

    refused = dismiss(door, stuck, **said | before)

    assert (refused.problem, refused.status) == (problem, status)
    assert list(Bookmark.objects.order_by("id").values()) == stood
    assert acts() == []
    noted = Refusal.objects.get()
    assert (noted.problem, noted.principal_name, noted.channel) == (problem, "anna", door.channel)


def prepare(stuck, said: dict) -> dict:
    match said.get("event_id"):
        case "of another kind":
            return {"event_id": Event.objects.filter(stream__name=stuck.stream).earliest("position").position}
        case "of no lane":
            Bookmark.objects.filter(subscriber="noter").update(epoch=7)
            return {"event_id": stuck.poison}
        case "passed":
            Bookmark.objects.filter(subscriber="noter").update(position=stuck.poison)
            return {"event_id": stuck.poison}
    return {}


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("dismiss_event", {"event_id": 1, "reason": "x"}),
        ("retry_lane", {"stream": "chat-1"}),
        ("pause_subscriber", {"reason": "x"}),
        ("resume_subscriber", {}),
        ("preview_dismissal", {"event_id": 1}),
    ],
)
def test_who_may_not_is_told_so_before_anything_else(kind_of_door, stuck, act, said):
    eve = kind_of_door(operator(name="eve"))

    refused = eve.call(act, subscriber="nobody", **said)

    assert (refused.status, refused.problem) == (403, "not-permitted")
    assert Refusal.objects.get(principal_name="eve").status == 403


def test_a_key_is_answered_once_whatever_the_door(door, stuck, anna):
    refused = dismiss(door, stuck, key="k", reason="")
    first = dismiss(door, stuck, key="k")

    assert refused.status == 400, "a refusal is not kept"
    assert first.status == 201
    for other in DOORS:
        assert dismiss(other(anna), stuck, key="k").said == first.said
        assert dismiss(other(anna), stuck, key="k", reason="Another").problem == "key-reused"
    assert acts() == ["dismiss_event"]


def test_the_key_of_another_operator_is_another_key(door, stuck, kind_of_door):
    assert dismiss(door, stuck, key="k").status == 201

    assert dismiss(kind_of_door(operator(*ACTS)), stuck, key="k").problem == "event-passed"


def test_without_the_table_of_bookmarks_the_answer_is_503(door, stuck):
    rename("agent_bookmark", "agent_gone")
    try:
        refused = dismiss(door, stuck)
    finally:
        rename("agent_gone", "agent_bookmark")

    assert (refused.status, refused.problem) == (503, "no-bookmarks")
    assert stuck.lane.wedged_at is not None


def rename(table: str, to: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO {to}")


def test_a_lane_that_stays_locked_is_503(door, stuck):
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Bookmark.objects.filter(id=stuck.lane.pk).update(wedged_reason="held")
            held.set()
            done.wait(20)
            transaction.set_rollback(True)
        connection.close()

    other = threading.Thread(target=hold)
    other.start()
    assert held.wait(10)
    try:
        refused = dismiss(door, stuck)
    finally:
        done.set()
        other.join()

    assert (refused.status, refused.problem) == (503, "lane-locked")
    assert acts() == []
