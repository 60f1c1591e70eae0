"""Failures by fingerprint: what holds lanes up, told with as many queries for seventy as for one."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agent.models import Attempt, Bookmark
from agent.operations.fingerprints import list_failures
from agent.subscriptions import seeding
from tests.agent.operations.conftest import operator
from tests.factories import make_chat, say

pytestmark = pytest.mark.django_db(transaction=True)


def fail(noter, fingerprint: str, *, tries: int = 2) -> None:
    """A lane that is wedged by an error of its own."""
    chat, now = make_chat(), timezone.now()
    event = say(chat, "poison")
    seeding.notice([noter])
    lane = Bookmark.objects.get(subscriber="noter", stream__name=chat.stream)
    Bookmark.objects.filter(pk=lane.pk).update(wedged_at=now, fingerprint=fingerprint)
    for number in range(tries):
        Attempt.objects.create(
            bookmark=lane,
            event=event,
            fence=number,
            outcome=Attempt.Outcome.FAILED,
            started_at=now + timedelta(seconds=number),
            code_version=f"v{number}",
            error=f"Error{number}",
            fingerprint=fingerprint,
        )


def test_a_failure_says_since_when_since_which_code_and_how_it_failed_last(noter):
    fail(noter, "f", tries=3)
    fail(noter, "of a killed worker", tries=0)

    failures = {one.fingerprint: one for one in list_failures(by=operator("view_desk"))}

    told = failures["f"]
    assert (told.lanes, told.since_version, told.error) == (1, "v0", "Error2")
    assert told.last_at - told.first_at == timedelta(seconds=2)
    assert (failures["of a killed worker"].error, failures["of a killed worker"].first_at) == ("", None)


def test_many_failures_take_as_many_queries_as_one(noter):
    anna = operator("view_desk")
    counted = []
    for number in range(4):
        fail(noter, f"f{number}")
        with CaptureQueriesContext(connection) as queries:
            assert len(list_failures(by=anna)) == number + 1
        counted.append(len(queries))

    assert len(set(counted[1:])) == 1
    assert counted[-1] <= 5
