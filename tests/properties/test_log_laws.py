"""The law of the log: gap-free versions, positions that rise with them, and a rebuild that equals the live tables."""

import random

from django.conf import settings as site
from django.utils import timezone
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.decisions import caution_drafted
from chat.log.models import Event, Stream
from chat.story import bonds, rebuild
from chat.story.fact_models import Memory, Milestone, StoryEvent
from chat.story.fact_payloads import (
    EventCancelled,
    EventCompleted,
    EventPlanned,
    EventStarted,
    MemoryFormed,
    MilestoneReached,
    RelationshipChanged,
    TurnRead,
)
from chat.story.models import Chat
from chat.turns import cautions, chats, claims, leases, scenes, story_events
from chat.turns.leases import Settled
from chat.turns.models import Generation
from tests.factories import cast_of, make_character, make_chat, make_user, say
from tests.facts import record
from tests.properties.naive import NaiveFacts

State = Generation.State


CHANGES = (EventStarted, EventCompleted, EventCancelled)


def pick(those: list, number: int, *, or_none: bool = False):
    """One of them, or None where there is none (and, with `or_none`, sometimes where there is)."""
    return None if not those or (or_none and number == 0) else those[number % len(those)]


class Story(RuleBasedStateMachine):
    """Random doings in two chats, checked after each against a naive model and a rebuild."""

    @initialize()
    def begin(self):
        self.owner = make_user()
        self.chats = [make_chat(self.owner, names=("Mara", "Ilse")), make_chat(self.owner, names=("Tom", "Ada"))]
        self.claims: dict[int, claims.Claim] = {}
        #: What a reader should see: texts in story order, by chat.
        self.read: dict[int, list[str]] = {chat.id: [] for chat in self.chats}
        self.rng = random.Random(7)

    def chat(self, which: int) -> Chat:
        return Chat.objects.get(id=self.chats[which].id)

    @rule(which=st.integers(0, 1), text=st.text("abc ", min_size=1).filter(str.strip))
    def post(self, which, text):
        say(self.chat(which), text)
        self.read[self.chats[which].id].append(text.strip())

    @rule(which=st.integers(0, 1))
    def claim(self, which):
        if claim := claims.claim_reply(self.chats[which].id, now=timezone.now(), rng=self.rng):
            assert claim.chat not in self.claims
            self.claims[claim.chat] = claim

    @precondition(lambda self: self.claims)
    @rule(state=st.sampled_from([State.FINISHED, State.STOPPED, State.INTERRUPTED, State.FAILED]))
    def settle(self, state):
        chat, claim = self.claims.popitem()
        text = "" if state == State.FAILED else f"{state} reply"
        turn = leases.settle(claim, Settled(state=state, text=text), at=timezone.now())
        if turn is None:
            return
        if claim.rewrites is None:
            self.read[chat].append(text)
        elif state == State.FINISHED:
            place = [turn.id for turn in self.chats[0].__class__.objects.get(id=chat).turns.live().in_story_order()]
            self.read[chat][place.index(turn)] = text

    @rule(which=st.integers(0, 1))
    def retry(self, which):
        chat = self.chats[which].id
        try:
            claim = claims.claim_retry(chat, generation=None, now=timezone.now())
        except (claims.NothingToRetryError, claims.ReplyRunningError):
            return
        self.claims[chat] = claim

    @rule(which=st.integers(0, 1), who=st.integers(0, 1))
    def come_and_go(self, which, who):
        chat = self.chat(which)
        character = list(cast_of(chat).values())[who]
        if chat.scene is None:
            scenes.open_scene(chat, title="again", present=[character], by=self.owner)
        elif character in chat.present:
            scenes.leave(chat, character=character, by=self.owner)
        else:
            scenes.enter(chat, character=character, by=self.owner)

    @rule(which=st.integers(0, 1))
    def close(self, which):
        if self.chat(which).scene:
            scenes.close_scene(self.chat(which), by=self.owner)

    @rule(which=st.integers(0, 1), act=st.sampled_from(["pin", "unpin", "archive", "unarchive"]))
    def put_away(self, which, act):
        getattr(chats, act)(self.chat(which), by=self.owner)

    @rule(which=st.integers(0, 1))
    def join(self, which):
        chat = self.chat(which)
        chats.add_character(chat, character=make_character(self.owner, f"Guest {chat.cast.count()}"), by=self.owner)

    # --- Facts -----------------------------------------------------------------------------------------

    def live_turns(self, which: int) -> list[int]:
        return list(self.chat(which).turns.live().order_by("id").values_list("id", flat=True))

    @rule(which=st.integers(0, 1), by=st.integers(0, 9))
    def plan(self, which, by):
        turns = self.live_turns(which)
        record(
            self.chat(which), EventPlanned(title=f"Plan {by}", triggered_by_user_turn_id=pick(turns, by, or_none=True))
        )

    @rule(which=st.integers(0, 1), number=st.integers(0, 9), by=st.integers(0, 9), change=st.sampled_from(CHANGES))
    def move(self, which, number, by, change):
        """Also where it is not allowed, as when a reader is late."""
        story_events = list(StoryEvent.objects.filter(chat=self.chats[which]).order_by("id"))
        if story_event := pick(story_events, number):
            turn = pick(self.live_turns(which), by, or_none=True)
            record(self.chat(which), change(story_event=story_event.id, triggered_by_assistant_turn_id=turn))
            reached = MilestoneReached(story_event=story_event.id, text="reached", turn=turn)
            record(self.chat(which), *([reached] if change is EventCompleted else []))

    @rule(which=st.integers(0, 1), by=st.integers(0, 9), delta=st.integers(-2, 2))
    def remember_and_feel(self, which, by, delta):
        if turn := pick(self.live_turns(which), by):
            one, other = list(cast_of(self.chat(which)).values())[:2]
            record(
                self.chat(which),
                MemoryFormed(witness=one, text="That.", importance=by + 1, turn=turn),
                RelationshipChanged(character=one, toward=other, delta=delta, why="", turn=turn),
                TurnRead(turn=turn, reader="nobody"),
            )

    @rule(which=st.integers(0, 1), number=st.integers(0, 9))
    def forget(self, which, number):
        if memory := pick(list(Memory.objects.filter(chat=self.chats[which]).order_by("id")), number):
            story_events.forget(self.chat(which), memory=memory.id, by=self.owner)

    @rule(which=st.integers(0, 1), number=st.integers(0, 9))
    def recall(self, which, number):
        if memory := pick(list(Memory.objects.filter(chat=self.chats[which]).order_by("id")), number):
            story_events.recall(self.chat(which), memory=memory.id, by=self.owner)

    @rule(which=st.integers(0, 1))
    def caution(self, which):
        turns = tuple(self.live_turns(which)[-2:])
        drafted = caution_drafted("Mind.", audience=[], reasoning="", turns=turns, decided_by="nobody")
        cautions.promote(self.chat(which), caution=record(self.chat(which), drafted)[0], by=self.owner)

    @invariant()
    def facts_are_what_the_log_says(self):
        for chat in getattr(self, "chats", []):
            naive = NaiveFacts(chat)
            rows = StoryEvent.objects.filter(chat=chat).values_list("id", "status", "status_position")
            assert {id_: (status, position) for id_, status, position in rows} == naive.statuses
            assert set(Memory.objects.filter(chat=chat).active().values_list("id", flat=True)) == naive.memories
            assert {(bond.character, bond.toward): bond.level for bond in bonds.bonds(chat)} == naive.levels
            milestones = list(Milestone.objects.filter(chat=chat).live().values_list("story_event", flat=True))
            assert len(milestones) == len(set(milestones))

    @invariant()
    def what_is_read_is_what_was_said(self):
        for chat in getattr(self, "chats", []):
            live = [turn.text for turn in chat.turns.live().in_story_order()]
            assert live == self.read[chat.id]
            assert self.chat(self.chats.index(chat)).turn_count == len(live)

    @invariant()
    def versions_have_no_gaps_and_positions_rise(self):
        for stream in Stream.objects.all():
            events = list(Event.objects.filter(stream=stream).order_by("version"))
            assert [event.version for event in events] == list(range(1, stream.version + 1))
            assert [event.position for event in events] == sorted(event.position for event in events)
            assert stream.head == (events[-1].position if events else 0)

    def teardown(self):
        for chat in getattr(self, "chats", []):
            assert rebuild.differences(chat.id) == []


class TestTheLaw(TestCase, Story.TestCase):
    settings = settings(max_examples=site.LAW_EXAMPLES, stateful_step_count=25, deadline=None)
