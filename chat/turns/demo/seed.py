"""Writing the demo story: through the writer, beat by beat, as if it had been played and read."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from chat.log.models import Event
from chat.story import decisions, writer
from chat.story.chat_payloads import StorySeeded
from chat.story.fact_payloads import (
    DecisionRegistered,
    EventCancelled,
    EventCompleted,
    EventPlanned,
    EventStarted,
    MemoryFormed,
    MilestoneReached,
    RelationshipChanged,
    TurnRead,
)
from chat.story.lifecycle import Cause
from chat.story.meanwhile_payloads import MeanwhileOpened
from chat.story.models import Character, Chat
from chat.story.payloads import (
    AssistantTurn,
    CharacterEntered,
    CharacterExited,
    ChatCreated,
    Payload,
    ReplyRequested,
    SceneClosed,
    SceneOpened,
    UserTurn,
)
from chat.story.rewriting_payloads import TurnSuperseded
from chat.turns.characters import Details, create_character
from chat.turns.chats import actor
from chat.turns.demo.beats import (
    Aside,
    Beat,
    Cancels,
    Closes,
    Completes,
    Enters,
    Fact,
    Feels,
    Keeps,
    Leaves,
    Opens,
    Plans,
    Said,
    Starts,
)
from chat.turns.demo.cast import CAST, PERSONA_DESCRIPTION, PREMISE, TITLE
from chat.turns.demo.story import STORY

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet

#: Of the first event of every demo story; unique in its chat, so that it is recognised whatever it is called now.
KEY = "demo:lighthouse"
#: Who has decided, and read: the author.
AUTHOR = "its author"
BETWEEN_BEATS = timedelta(minutes=2)


def demo_of(user: "User") -> int | None:
    """The user's demo story, a deleted one included, whatever it is called by now."""
    first = _begun(user).order_by("position").first()
    return first.stream_id if first else None


def write_demo(user: "User", *, now: datetime) -> int:
    """Write the demo story, with its three characters, for a user; the chat's id."""
    with transaction.atomic():
        cast = [_character(user, details) for details in CAST]
        seed = _Seed(user, cast, _free_title(user), now - BETWEEN_BEATS * len(STORY))
        for beat in STORY:
            seed.play(beat)
        seed.write(StorySeeded())
    return seed.chat


def _begun(user: "User") -> "QuerySet[Event]":
    """The first events of a user's demo stories."""
    chats = Chat.objects.filter(owner_id=user.pk).values("id")
    return Event.objects.filter(stream_id__in=chats, key__startswith=KEY)


def _free_title(user: "User") -> str:
    """What tells a copy from those before it."""
    copies = _begun(user).count()
    return f"{TITLE} ({copies + 1})" if copies else TITLE


def _character(user: "User", details: Details) -> Character:
    # A second copy of the story plays with the same characters, unless they were rewritten meanwhile.
    same = Character.objects.filter(owner=user, name=details.name, description=details.description).first()
    return same or create_character(user, details)


class _Seed:
    """A demo story as far as it is written."""

    def __init__(self, user: "User", cast: list[Character], title: str, begun: datetime) -> None:
        self.actor, self.at = actor(user), begun
        self.ids = {character.name: character.pk for character in cast}
        #: Positions of story events by what the facts call them.
        self.events: dict[str, int] = {}
        #: Turns that stand in the open scene.
        self.turns: list[int] = []
        #: What the next reply answers, what the last one did, and who gave it.
        self.asked: int | None = None
        self.answered, self.speaker = 0, 0
        created = ChatCreated(
            title=title,
            premise=PREMISE,
            owner=user.pk,
            persona="You",
            persona_description=PERSONA_DESCRIPTION,
            cast=tuple(character.card() for character in cast),
        )
        self.chat = writer.create_chat(created, [], writer.Source(actor=self.actor, at=begun, key=KEY))

    def write(self, payload: Payload) -> int:
        source = writer.Source(actor=self.actor, at=self.at)
        return writer.write(self.chat, [payload], source).events[0].position

    def play(self, beat: Beat) -> None:
        match beat:
            case Opens():
                self.scene = self.write(SceneOpened(title=beat.title, present=self._all(beat.present)))
            case Closes():
                self._close(beat)
            case Enters():
                self.write(CharacterEntered(character=self.ids[beat.name]))
            case Leaves():
                self.write(CharacterExited(character=self.ids[beat.name]))
            case Aside():
                self._aside(beat)
            case Said(name=None):
                self._ask(beat)
            case Said():
                self._answer(beat)

    def _all(self, names: tuple[str, ...]) -> tuple[int, ...]:
        return tuple(self.ids[name] for name in names)

    def _ask(self, said: Said) -> None:
        self.at += BETWEEN_BEATS
        self.asked = self.write(UserTurn(text=said.text))
        self._read(self.asked, said.facts, Cause(user_turn=self.asked))
        self.turns.append(self.asked)

    def _answer(self, said: Said) -> None:
        speaker = self.ids[said.name or ""]
        if said.interjects:
            self.turns.append(self._say(said, speaker, self.answered, interjection_of=self.speaker))
            return
        self.answered = self.asked or self.write(ReplyRequested(addressed=speaker))
        self.asked, self.speaker = None, speaker
        self.turns.append(self._say(said, speaker, self.answered))

    def _aside(self, aside: Aside) -> None:
        opened = MeanwhileOpened(characters=self._all(aside.names), direction=aside.direction, turns=len(aside.said))
        meanwhile = self.write(opened)
        said = [self._say(one, self.ids[one.name or ""], meanwhile, meanwhile=meanwhile) for one in aside.said]
        self.write(
            DecisionRegistered(
                context=decisions.CAUTION_PROPOSAL,
                choice=decisions.CAUTION_DRAFTED,
                reasoning=aside.reasoning,
                decided_by=AUTHOR,
                turns=tuple(said),
                body={"text": aside.caution, "audience": list(self._all(aside.audience))},
            )
        )

    def _say(
        self, said: Said, speaker: int, group: int, *, interjection_of: int | None = None, meanwhile: int | None = None
    ) -> int:
        """Write a character's turn in all its writings, and what followed from each; the one that stands."""
        self.at += BETWEEN_BEATS
        before: int | None = None
        for text, facts in (*said.earlier, (said.text, said.facts)):
            turn = self.write(
                AssistantTurn(
                    speaker=speaker,
                    text=text,
                    group=group,
                    regenerated_from=before,
                    interjection_of=interjection_of,
                    meanwhile=meanwhile,
                )
            )
            if before:
                self.write(TurnSuperseded(turn=before, by=turn))
            self._read(turn, facts, Cause(assistant_turn=turn))
            before = turn
        return turn

    def _close(self, closes: Closes) -> None:
        self.write(SceneClosed(scene=self.scene))
        self.write(
            DecisionRegistered(
                context=decisions.RUN_DEBRIEF,
                choice=decisions.DEBRIEFED,
                reasoning=f"Read {len(self.turns)} turns.",
                decided_by=AUTHOR,
                turns=tuple(self.turns),
                scene=self.scene,
                body={
                    "text": closes.previously,
                    "parts": {str(self.ids[name]): part for name, part in closes.parts.items()},
                },
            )
        )
        self.turns = []

    def _read(self, turn: int, facts: tuple[Fact, ...], cause: Cause) -> None:
        for fact in facts:
            self._cause(turn, fact, cause)
        self.write(TurnRead(turn=turn, reader=AUTHOR))

    def _cause(self, turn: int, fact: Fact, cause: Cause) -> None:
        by = {
            "triggered_by_assistant_turn_id": cause.assistant_turn,
            "triggered_by_user_turn_id": cause.user_turn,
        }
        match fact:
            case Plans(event, title, description):
                self.events[event] = self.write(EventPlanned(title=title, description=description, **by))
            case Starts(event):
                self.write(EventStarted(story_event=self.events[event], **by))
            case Cancels(event):
                self.write(EventCancelled(story_event=self.events[event], **by))
            case Completes(event, milestone):
                self.write(EventCompleted(story_event=self.events[event], **by))
                self.write(MilestoneReached(story_event=self.events[event], text=milestone, turn=turn))
            case Keeps(name, text, importance):
                self.write(MemoryFormed(witness=self.ids[name], text=text, importance=importance, turn=turn))
            case Feels(name, toward, delta, why):
                self.write(
                    RelationshipChanged(
                        character=self.ids[name], toward=self.ids[toward], delta=delta, why=why, turn=turn
                    )
                )
