"""A story that is rewritten at random, with a model of its own of what stands."""

import random
from collections import defaultdict
from collections.abc import Callable
from contextlib import nullcontext, suppress

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from chat.rows import fetch
from chat.story.fact_models import StoryEvent
from chat.story.fact_payloads import (
    EventPlanned,
    MemoryFormed,
    MilestoneReached,
    RelationshipChanged,
    TurnRead,
)
from chat.story.lifecycle import Cause, transitions
from chat.story.models import Character, Chat, Turn
from chat.story.payloads import AssistantTurn, Payload
from chat.story.writer import write
from chat.turns import chats, claims, leases, rewriting, story_events
from chat.turns.leases import Settled
from chat.turns.models import Generation
from chat.turns.standing import AnswersNothingError
from tests.factories import cast_of, make_character, say

State = Generation.State
MOST_STEPS = 6
NAMES = ("Mara", "Ilse")


class KilledError(Exception):
    """The process is gone."""


class Tale:
    """The deeds, each of which says in `page` what should stand then."""

    def __init__(self, seed: int, owner: User) -> None:
        self.rng = random.Random(seed)
        self.owner = owner
        characters = list(Character.objects.filter(owner=owner)) or [make_character(owner, name) for name in NAMES]
        self.chat_id = chats.begin_chat(owner, title="A tale", premise="", characters=characters)
        self.cast = cast_of(self.chat)
        #: By place the turn that stands there, or None; and where each turn's place is.
        self.page: dict[int, int | None] = {}
        self.place: dict[int, int] = {}
        self.text: dict[int, str] = {}
        #: The interjections' places of each turn group, and the group of each turn.
        self.seconds: dict[int, list[int]] = defaultdict(list)
        self.group: dict[int, int] = {}
        self.primaries: dict[int, list[int]] = defaultdict(list)
        #: What fell together with a line of writings, until one of them rises.
        self.along: dict[int, list[int]] = {}
        #: The writing that a turn is an edit of: the interjection stays with it however it is edited.
        self.line: dict[int, int] = {}
        self.unread: list[int] = []
        self.deleted: set[int] = set()
        self.number = 0

    @property
    def chat(self) -> Chat:
        return fetch(Chat, id=self.chat_id)

    def play(self) -> None:
        deeds = [
            self.exchange, self.regenerate, self.regenerate, self.regenerate, self.edit, self.restore, self.restore,
            self.delete, self.undelete, self.read, self.read, self.read, self.by_hand, self.crash,
        ]  # fmt: skip
        # Something is afoot first, that more than one turn has moved: else there is little to take back.
        for deed in (self.exchange, self.by_hand, self.read, self.read):
            deed()
        for _ in range(self.rng.randint(2, MOST_STEPS)):
            self.rng.choice(deeds)()

    # --- Deeds -----------------------------------------------------------------------------------------

    def exchange(self) -> None:
        words = self.words()
        own = say(self.chat, words, user=self.owner)
        self.stands(own, words, place=own, group=own)
        claim = claims.claim_reply(self.chat_id, now=timezone.now(), rng=self.rng)
        assert claim is not None
        state = self.rng.choice([State.FINISHED, State.FINISHED, State.STOPPED, State.FAILED])
        words = self.words()
        if (turn := self.settle(claim, state, words)) is None:
            return
        self.stands(turn, words, place=turn, group=own)
        self.primaries[own].append(turn)
        if state == State.FINISHED and self.rng.random() < 0.5:
            self.interject(claim)

    def interject(self, claim: claims.Claim) -> None:
        first, second = list(self.cast.values())
        speaker = second if claim.speaker.id == first else first
        words = self.words()
        said = AssistantTurn(speaker=speaker, text=words, group=claim.group, interjection_of=claim.speaker.id)
        interjection = self.record(said)
        self.seconds[claim.group].append(interjection)
        self.stands(interjection, words, place=interjection, group=claim.group)

    def regenerate(self) -> None:
        old = self.pick([turn for turn in self.standing() if turn not in self.opened()])
        if old is None:
            return
        claim = claims.claim_rewriting(self.chat_id, turn=old, asked_by="user:1", now=timezone.now())
        if self.rng.random() < 0.3:
            # While it is written.
            self.restore()
        state = self.rng.choice([State.FINISHED, State.FINISHED, State.STOPPED, State.INTERRUPTED, State.FAILED])
        words = self.words()
        if (new := self.settle(claim, state, words)) is None:
            return
        self.place[new], self.group[new], self.line[new] = self.place[old], self.group[old], new
        self.text[new] = words
        if self.is_primary(old):
            self.primaries[self.group[old]].append(new)
        if state == State.FINISHED and self.page[self.place[old]] == old:
            self.fall(old)
            self.page[self.place[new]] = new
            if self.is_primary(new) and self.rng.random() < 0.3:
                self.interject(claim)

    def edit(self) -> None:
        if (old := self.pick(self.standing())) is None:
            return
        words = self.words()
        new = rewriting.edit(self.chat, turn=old, text=words, by=self.owner)
        if self.is_primary(old):
            self.primaries[self.group[old]].append(new)
        self.stands(new, words, place=self.place[old], group=self.group[old])
        self.line[new] = self.line[old]

    def restore(self) -> None:
        if (turn := self.pick([turn for turn, place in self.place.items() if self.page[place] != turn])) is None:
            return
        if not self.may_rise(turn, rewriting.restore):
            return
        stood = self.page[self.place[turn]]
        if stood is not None and self.line[stood] != self.line[turn]:
            self.fall(stood)
        self.rise(turn)

    def delete(self) -> None:
        if (turn := self.pick(self.standing())) is None:
            return
        rewriting.delete(self.chat, turn=turn, by=self.owner)
        if turn in self.opened():
            others = [one for one in self.standing() if self.group[one] == self.group[turn] and one != turn]
            self.along[self.line[turn]] = others
            for one in others:
                self.page[self.place[one]] = None
                self.deleted.add(one)
            self.page[self.place[turn]] = None
        else:
            self.fall(turn)
            self.deleted |= set(self.along[self.line[turn]])
        self.deleted.add(turn)

    def undelete(self) -> None:
        if (turn := self.pick([turn for turn in self.deleted if self.page[self.place[turn]] is None])) is None:
            return
        if self.may_rise(turn, rewriting.undelete):
            self.rise(turn)

    def read(self) -> None:
        """A Reaction that comes late finds that its turn no longer stands, and writes nothing."""
        if not self.unread:
            return
        turn = self.unread.pop(self.rng.randrange(len(self.unread)))
        if not Turn.objects.live().filter(id=turn).exists():
            return
        cause = Cause(user_turn=turn) if turn in self.opened() else Cause(assistant_turn=turn)
        one, other = list(self.cast.values())
        found = [
            EventPlanned(
                title=f"Plan {turn}",
                triggered_by_assistant_turn_id=cause.assistant_turn,
                triggered_by_user_turn_id=cause.user_turn,
            ),
            MemoryFormed(witness=one, text=f"Memory of {turn}.", importance=5, turn=turn),
            RelationshipChanged(character=one, toward=other, delta=self.rng.choice([-2, -1, 1, 2]), why="", turn=turn),
            TurnRead(turn=turn, reader="nobody"),
        ]
        for story_event in StoryEvent.objects.filter(chat_id=self.chat_id).visible().order_by("id")[:2]:
            to = self.rng.choice(["active", "completed", "cancelled"])
            found += transitions(story_event.id, status=story_event.status, to=to, cause=cause)
            if to == "completed":
                found.append(MilestoneReached(story_event=story_event.id, text="Done.", turn=turn))
        self.record(*found)

    def by_hand(self) -> None:
        chat = self.chat
        planned = story_events.plan(chat, title="By hand", by=self.owner)
        if self.rng.random() < 0.5:
            story_events.start(chat, story_event=planned, by=self.owner)

    def crash(self) -> None:
        """Killed after settling but before the commit; the sweep finds nothing that was checkpointed."""
        old = self.pick([turn for turn in self.standing() if turn not in self.opened()])
        if old is None:
            return
        claim = claims.claim_rewriting(self.chat_id, turn=old, asked_by="user:1", now=timezone.now())
        with suppress(KilledError), transaction.atomic():
            leases.settle(claim, Settled(state=State.FINISHED, text="Lost."), at=timezone.now())
            raise KilledError
        leases.settle(claim, Settled(state=State.INTERRUPTED), at=timezone.now())

    # --- What should stand -----------------------------------------------------------------------------

    def stands(self, turn: int, words: str, *, place: int, group: int) -> None:
        self.place[turn], self.group[turn], self.line[turn] = place, group, turn
        self.text[turn] = words
        self.page[place] = turn
        self.unread.append(turn)

    def fall(self, turn: int) -> None:
        self.page[self.place[turn]] = None
        self.along[self.line[turn]] = []
        seconds = self.seconds[self.group[turn]] if self.is_primary(turn) else []
        for second in seconds:
            if (interjection := self.page[second]) is not None:
                self.page[second] = None
                self.along[self.line[turn]].append(interjection)

    def may_rise(self, turn: int, deed: Callable[..., None]) -> bool:
        """Whether what it answers stands; the deed is done then, and refused if not."""
        with nullcontext() if self.answers(turn) else pytest.raises(AnswersNothingError):
            deed(self.chat, turn=turn, by=self.owner)
        return self.answers(turn)

    def rise(self, turn: int) -> None:
        self.page[self.place[turn]] = turn
        self.deleted.discard(turn)
        for one in self.along.pop(self.line[turn], []):
            if self.page[self.place[one]] is None:
                self.page[self.place[one]] = one
                self.deleted.discard(one)

    def standing(self) -> list[int]:
        return [turn for turn in self.page.values() if turn is not None]

    def opened(self) -> set[int]:
        """The players turns, with their edits."""
        return {turn for turn, place in self.place.items() if place == self.group[turn]}

    def answers(self, turn: int) -> bool:
        """Whether the player's turn to which it is said stands, and of an interjection the reply."""
        own = self.group[turn]
        if turn in self.opened():
            return True
        after = own if self.is_primary(turn) else self.place[self.primaries[own][0]]
        return self.page[own] is not None and self.page[after] is not None

    def is_primary(self, turn: int) -> bool:
        return turn in self.primaries[self.group[turn]]

    def expected(self) -> list[str]:
        return [self.text[turn] for _, turn in sorted(self.page.items()) if turn is not None]

    # --- Chance ----------------------------------------------------------------------------------------

    def pick(self, those: list[int]) -> int | None:
        return self.rng.choice(those) if those else None

    def words(self) -> str:
        self.number += 1
        return f"Words {self.number}."

    def record(self, *payloads: Payload) -> int:
        return write(self.chat_id, payloads, chats.source(self.owner)).events[0].position

    def settle(self, claim: claims.Claim, state: Generation.State, words: str) -> int | None:
        text = "" if state == State.FAILED else words
        turn = leases.settle(claim, Settled(state=state, text=text), at=timezone.now())
        if turn is not None and state == State.FINISHED and claim.rewrites:
            self.unread.append(turn)
        return turn
