"""The sweeper of a worker: it goes on, whatever befalls one look."""

import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from agent import wake
from agent.models import Attempt, Bookmark
from tests.factories import make_chat, say

pytestmark = pytest.mark.django_db(transaction=True)


class Failing:
    """Hands that fail at whatever they are given; `again` is set when they are given something once more."""

    def __init__(self) -> None:
        self.given = 0
        self.again = threading.Event()

    def react(self, reaction, stream) -> None:
        self.given += 1
        if self.given > 1:
            self.again.set()
        raise ValueError("a hint that cannot be sent")

    def project(self, projection) -> None:
        raise AssertionError


def test_a_sweeper_outlives_what_it_did_not_expect(noter, settings, caplog):
    settings.SWEEP_SECONDS = 0.05
    say(make_chat(), "One")
    hands = Failing()
    sweeper = wake.Sweeper(hands, reactions=[noter])

    sweeper.start()
    try:
        assert hands.again.wait(10)
    finally:
        sweeper.stop()

    assert "a hint that cannot be sent" in caplog.text


def test_a_look_at_everything_that_was_cut_short_is_made_anew_by_the_next_sweep(noter):
    say(make_chat(), "One")
    hands = Failing()
    sweeper = wake.Sweeper(hands, reactions=[noter])
    with pytest.raises(ValueError, match="cannot be sent"):
        sweeper.sweep()
    bookmark, long_ago = Bookmark.objects.get(), timezone.now() - timedelta(days=1000)
    Attempt.objects.create(bookmark=bookmark, event=1, fence=1, outcome="done", started_at=long_ago, ended_at=long_ago)
    Bookmark.objects.update(due_at=None, position=10**9)

    sweeper.sweep()

    assert not Attempt.objects.exists(), "old Attempts are thrown away in the end"
