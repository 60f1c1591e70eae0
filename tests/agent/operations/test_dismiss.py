"""Dismissing an event: what it does, what it leaves, and each refusal."""

from dataclasses import replace

import pytest
from django.db import connection, transaction

from agent.models import AuditEntry, DismissedEvent, Refusal
from agent.operations.command import UnknownPresetError
from agent.operations.dismiss import (
    DismissEvent,
    EventPassedError,
    KindNotReadError,
    NoSuchEventError,
    OtherSkippedError,
    ProjectionError,
    dismiss_event,
)
from agent.operations.fingerprints import PACE, OtherCountError, RetryAll, list_failures, retry_all
from agent.operations.lane import LaneMovedError
from agent.operations.locking import DatabaseAwayError
from agent.operations.operator import NotPermittedError
from agent.operations.preview import preview_dismissal
from agent.operations.registering import Change, KeyReusedError, register
from chat.log.models import Event
from tests.agent.operations.conftest import operator, work
from tests.agent.readers import notes

pytestmark = pytest.mark.django_db(transaction=True)


def dismissal(wedged, **said) -> DismissEvent:
    return DismissEvent(**{"reaction": "noter", "event_id": wedged.poison, "reason": "Cannot be read", **said})


def test_a_dismissal_moves_the_lane_and_is_registered(wedged, reactor, noter):
    anna = operator("dismiss_event", name="anna")

    decided = dismiss_event(dismissal(wedged, reason="  Cannot be read \n"), by=anna)

    event = Event.objects.get(position=decided.decision_id)
    assert (event.stream.name, event.kind) == ("operations", "decision_registered")
    assert (event.payload["context"], event.payload["choice"]) == ("ReactionDismissal", "EventDismissed")
    assert event.payload["reasoning"] == "Cannot be read"
    assert event.payload["body"]["principal"] == {"id": anna.user.pk, "name": "anna"}
    assert event.payload["body"]["inputs"] | {"fingerprint": "", "cursor_before": 0} == {
        "subscriber": "noter",
        "stream": wedged.stream,
        "event": wedged.poison,
        "cursor_before": 0,
        "cursor_after": wedged.poison,
        "skipped": [wedged.poison],
        "fingerprint": "",
        "attempts": 2,
    }
    assert AuditEntry.objects.get().decision_id == decided.decision_id
    assert (wedged.lane.position, wedged.lane.wedged_at) == (wedged.poison, None)
    assert list(DismissedEvent.objects.values_list("subscriber", "event")) == [("noter", wedged.poison)]
    work(reactor, noter)
    assert notes(wedged.chat.id) == wedged.after


def test_the_preview_says_what_is_skipped_and_holds_the_dismissal_to_it(wedged):
    anna = operator("dismiss_event", "view_desk")

    preview = preview_dismissal("noter", event_id=wedged.after[0], by=anna)

    assert [one.event_id for one in preview.skipped] == [wedged.poison]
    assert (preview.behind, [one.event_id for one in preview.following]) == (1, [wedged.after[1]])
    token = preview.as_json()["preview_token"]
    with pytest.raises(OtherSkippedError):
        dismiss_event(dismissal(wedged, event_id=wedged.after[0], preview_token=token), by=anna)
    said = dismissal(wedged, event_id=wedged.after[0], preview_token=token, expected_skipped=1)
    assert dismiss_event(said, by=anna).inputs["skipped"] == [wedged.poison, wedged.after[0]]
    with pytest.raises(LaneMovedError) as moved:
        dismiss_event(dismissal(wedged, event_id=wedged.after[1], preview_token=token), by=anna)
    assert moved.value.present["position"] == wedged.after[0]
    with pytest.raises(EventPassedError):
        dismiss_event(dismissal(wedged), by=anna)


def test_the_same_key_gives_the_first_answer_and_another_command_is_refused(wedged):
    anna = operator("dismiss_event")
    first = dismiss_event(dismissal(wedged, key="k"), by=anna)

    assert dismiss_event(dismissal(wedged, key="k", reason="Cannot be read "), by=anna) == first
    with pytest.raises(KeyReusedError):
        dismiss_event(dismissal(wedged, key="k", reason="Another"), by=anna)
    assert AuditEntry.objects.count() == 1


def test_what_was_accepted_with_a_preset_of_former_times_keeps_its_answer(wedged):
    anna = operator("dismiss_event")
    former = dismissal(wedged, preset="out_of_character", key="k")
    with transaction.atomic():
        kept = register(former, Change(before={}, after={}), by=anna)

    assert dismiss_event(former, by=anna) == kept
    with pytest.raises(UnknownPresetError):
        dismiss_event(replace(former, key="another"), by=anna)
    assert AuditEntry.objects.count() == 1


def test_who_is_refused_is_noted_and_nothing_changes(wedged):
    eve = operator("view_desk", name="eve")

    with pytest.raises(NotPermittedError):
        dismiss_event(dismissal(wedged), by=eve)

    assert wedged.lane.wedged_at is not None
    assert not Event.objects.filter(stream__name="operations").exists()
    refusal = Refusal.objects.get()
    assert (refusal.principal_name, refusal.act, refusal.status, refusal.problem) == (
        "eve",
        "dismiss_event",
        403,
        "not-permitted",
    )


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ({"event_id": 10**9}, NoSuchEventError),
        ({"event_id": 2**70}, NoSuchEventError),
        ({"event_id": "the chat's first"}, KindNotReadError),
        ({"reaction": "counter"}, ProjectionError),
    ],
)
def test_what_is_not_there_cannot_be_dismissed(wedged, said, refusal):
    if said.get("event_id") == "the chat's first":
        said = {"event_id": Event.objects.filter(stream__name=wedged.stream).earliest("position").position}

    with pytest.raises(refusal):
        dismiss_event(dismissal(wedged, **said), by=operator("dismiss_event"))


@pytest.mark.once
def test_while_the_database_is_away_the_answer_says_so(wedged):
    """The file cannot be opened: as far from the database as SQLite gets."""
    anna = operator("dismiss_event")
    if connection.vendor != "sqlite":
        pytest.skip("its pool stays connected")
    name = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = "/nowhere/palimpsest.sqlite3"
    try:
        with pytest.raises(DatabaseAwayError) as refused:
            dismiss_event(dismissal(wedged), by=anna)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = name

    assert (refused.value.status, refused.value.retry_after) == (503, 5)
    assert wedged.lane.wedged_at is not None


def test_all_lanes_of_one_error_are_retried_one_after_another(wedge, noter, reactor):
    lanes = [wedge(), wedge(), wedge()]
    anna = operator("view_desk", "retry_lane")
    [failure] = list_failures(by=anna)
    assert (failure.lanes, failure.error, failure.message) == (3, "ValueError", "cannot")
    which = {"subscriber": "noter", "fingerprint": failure.fingerprint, "reason": "Mended"}

    with pytest.raises(OtherCountError):
        retry_all(RetryAll(**which, expected_lanes=2), by=anna)
    decided = retry_all(RetryAll(**which, expected_lanes=3, key="k"), by=anna)

    assert [one.target["stream"] for one in decided] == [one.stream for one in lanes]
    assert AuditEntry.objects.filter(act="retry_lane").count() == 3
    due = [one.lane.due_at for one in lanes]
    assert due == sorted(due)
    assert due[2] - due[0] >= PACE
    assert list_failures(by=anna) == []
