"""The law of the lanes: nothing lost, nothing done twice, in order, whatever happens in between."""

import random
from datetime import timedelta

from django.conf import settings as site
from django.utils import timezone
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.models import Attempt, Bookmark
from agent.subscriptions import effect, lanes, retry, seeding
from chat.errors import ChatError
from chat.llm.errors import ModelOutputError, ModelUnreachableError
from tests.agent.readers import Noter, note, notes, supersede
from tests.factories import make_chat, make_user, say

State = Attempt.Outcome
ERRORS = [ModelUnreachableError(), ModelOutputError(), ValueError("ours"), ChatError()]


class Pair(Noter):
    """Two lanes at once."""

    max_concurrency = 2


class Lanes(RuleBasedStateMachine):
    """Workers that come, go, fail and come back, on two chats."""

    @initialize()
    def begin(self):
        self.noter = Pair()
        seeding.register([self.noter])
        owner = make_user()
        self.chats = [make_chat(owner), make_chat(owner)]
        self.turns: dict[int, list[int]] = {chat.id: [] for chat in self.chats}
        #: Every claim ever made; the newest of each lane, until it ends; and the lanes whose lease has passed.
        self.claims: list[lanes.Claim] = []
        self.held: dict[int, lanes.Claim] = {}
        self.expired: set[int] = set()
        self.superseded: set[int] = set()
        self.dismissed: set[int] = set()
        self.attempts = 0
        self.rng = random.Random(1)

    @rule(which=st.integers(0, 1))
    def post(self, which):
        chat = self.chats[which]
        self.turns[chat.id].append(say(chat, "words"))
        seeding.notice([self.noter])

    @rule()
    def look(self):
        seeding.notice([self.noter])

    @rule(which=st.sampled_from([None, 0, 1]))
    def claim(self, which):
        """A hint: for a lane, for any, once or twice, in any order."""
        stream = None if which is None else self.chats[which].stream
        claim = lanes.claim(self.noter, worker="w", stream=stream)
        if claim is not None:
            assert claim.bookmark not in self.held or claim.bookmark in self.expired, "one alone works a lane"
            self.expired.discard(claim.bookmark)
            self.claims.append(claim)
            self.held[claim.bookmark] = claim

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), act=st.sampled_from(["beat", "commit", "fail", "give back"]), error=st.sampled_from(ERRORS))
    def go_on(self, data, act, error):
        """Any claim ever made, however stale."""
        claim = data.draw(st.sampled_from(self.claims))
        mine = self.held.get(claim.bookmark) is claim
        try:
            self.act(claim, act, error)
        except lanes.LaneLostError:
            assert not mine
            return
        assert mine or act == "give back", "a stale worker has done something"
        if mine:
            # A worker that was only slow, and that nobody has replaced, may go on.
            self.expired.discard(claim.bookmark)
            if act != "beat":
                del self.held[claim.bookmark]

    def act(self, claim, act, error):
        match act:
            case "beat":
                lanes.heartbeat(claim)
            case "commit":
                lanes.complete(claim, lambda: effect.take_effect(claim, note(claim.event)))
            case "fail":
                lanes.fail(claim, retry.failure_of(error), delay=lambda _: 0.0)
            case "give back":
                lanes.give_back(claim, State.RELEASED)

    @precondition(lambda self: self.held)
    @rule()
    def expire(self):
        """Every worker that holds a lane has died, or thinks that it has not."""
        Bookmark.objects.filter(leased_until__isnull=False).update(leased_until=timezone.now() - timedelta(seconds=9))
        self.expired |= set(self.held)

    @precondition(lambda self: any(set(turns) - self.superseded for turns in self.turns.values()))
    @rule(data=st.data())
    def supersede(self, data):
        standing = [turn for turns in self.turns.values() for turn in turns if turn not in self.superseded]
        turn = data.draw(st.sampled_from(standing))
        supersede(turn)
        self.superseded.add(turn)
        seeding.notice([self.noter])

    @rule()
    def dismiss(self):
        """An operator moves wedged lanes past the event by hand."""
        for lane in Bookmark.objects.filter(wedged_at__isnull=False):
            event = Attempt.objects.filter(bookmark=lane).latest("id").event
            self.dismissed.add(event)
            Bookmark.objects.filter(id=lane.pk).update(position=event, wedged_at=None, due_at=timezone.now())

    @invariant()
    def nothing_is_done_twice_or_out_of_order(self):
        for chat in getattr(self, "chats", []):
            done = notes(chat.id)
            assert done == sorted(set(done))
            position = Bookmark.objects.filter(stream__name=chat.stream).values_list("position", flat=True).first() or 0
            passed = {turn for turn in self.turns[chat.id] if turn <= position}
            discarded = set(
                Attempt.objects.filter(event__in=passed, outcome=State.DISCARDED).values_list("event", flat=True)
            )
            assert set(done) == passed - discarded - self.dismissed
            assert discarded <= self.superseded

    @invariant()
    def attempts_never_fall(self):
        if hasattr(self, "attempts"):
            count = Attempt.objects.count()
            assert count >= self.attempts
            self.attempts = count

    def teardown(self):
        """However it went, in the end everything is read."""
        if not hasattr(self, "chats"):
            return
        self.expire()
        for _ in range(200):
            self.dismiss()
            seeding.notice([self.noter])
            Bookmark.objects.filter(due_at__isnull=False).update(due_at=timezone.now() - timedelta(seconds=1))
            claim = lanes.claim(self.noter, worker="last")
            if claim is not None:
                self.act(claim, "commit", None)
            # A claim may wedge the last lane that was left, which an operator then sees to.
            elif not Bookmark.objects.filter(wedged_at__isnull=False).exists():
                break
        self.nothing_is_done_twice_or_out_of_order()
        for lane in Bookmark.objects.select_related("stream"):
            assert lane.position == lane.stream.head


class TestTheLanes(TestCase, Lanes.TestCase):
    settings = settings(max_examples=site.LAW_EXAMPLES, stateful_step_count=40, deadline=None)
