"""How the events of one chat's log become frames: a turn that stands, one that goes, a mark, a hint."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from chat.log.models import Event
from chat.rows import fetch
from chat.statements import composed_in
from chat.story import chat_payloads as whole
from chat.story import fact_payloads as facts
from chat.story import meanwhile_payloads as elsewhere
from chat.story.models import CastMember, Chat, Meanwhile, Turn
from chat.story.payloads import (
    AssistantTurn,
    CharacterEntered,
    CharacterExited,
    CharacterJoined,
    CharacterRevised,
    ChatArchived,
    ChatCreated,
    ChatDeleted,
    ChatPinned,
    ChatRenamed,
    ChatUnarchived,
    ChatUndeleted,
    ChatUnpinned,
    DrillStarted,
    MemberJoined,
    MemberLeft,
    Payload,
    PersonaChanged,
    PremiseChanged,
    ReplyRequested,
    SceneClosed,
    SceneOpened,
    SceneRenamed,
    UserTurn,
    decode,
    kind_of,
)
from chat.story.rewriting_payloads import TurnDeleted, TurnRestored, TurnSuperseded
from chat.streaming.frame import Frame
from chat.streaming.kept import KeptFrames
from chat.templatetags.story_text import render_mark, render_turn
from chat.turns import marks, outcome, variants

#: Rendered frames kept in a process; the newest turns of the chats that are being read.
KEPT_FRAMES = 512
_kept = KeptFrames(KEPT_FRAMES)
#: Whoever gets one of these looks at the chat's head anew.
TELL_OF_THE_HEAD = {"chat", "mark_html"}
#: Frames that only say what to fetch anew: the chat's head and cast, or the facts of its story.
HINTS = ("chat", "story")


class Telling:
    """Turning events of one chat into frames; what they show is read once for all of them."""

    def __init__(self, chat_id: int, events: Sequence[Event]) -> None:
        self.chat_id = chat_id
        self.events = events
        self.payloads = {event.position: decode(event.kind, event.payload) for event in events}
        if any(isinstance(payload, CharacterRevised) for payload in self.payloads.values()):
            # What was rendered before shows the portrait as it was.
            _kept.forget(chat_id)
        self.kept = {event.position: _kept.get(chat_id, event) for event in events}
        #: New writings of which a later event says whether they stand.
        self.decided = {
            turn
            for payload in self.payloads.values()
            if isinstance(payload, TurnSuperseded | TurnDeleted)
            for turn in (payload.turn, getattr(payload, "by", None))
        }
        self.stayed = set(_stayed(self.payloads))
        wanted = {turn for event in events for turn in self._turns_of(event)}
        self.turns = _turns(wanted, chat_id)
        self.marking = [event for event in marks.shown(events) if self.kept[event.position] is None]
        self.scenes = marks.scenes_of(self.marking)
        self.numbers = variants.numbered(self.turns.values())
        # A player's turn has no portrait to look up.
        seen = {turn.speaker for turn in self.turns.values() if turn.speaker is not None}
        seen |= {one for event in self.marking for one in marks.characters_in(self.payloads[event.position])}
        self.cards = dict(_cards(seen, chat_id))

    @property
    def gone(self) -> bool:
        """Whether the chat is deleted, in the end."""
        kinds, deleted = [event.kind for event in self.events], kind_of(ChatDeleted)
        return deleted in kinds and kind_of(ChatUndeleted) not in kinds[kinds.index(deleted) :]

    def frames(self) -> list[Frame]:
        """All of them, in order; of several hints of one kind in a row (`chat`, `story`) only the last."""
        frames: list[Frame] = []
        for frame in filter(None, map(self.frame, self.events)):
            told = "chat" if frame.type in TELL_OF_THE_HEAD else frame.type
            if told in HINTS and frames and frames[-1].type == told:
                frames.pop()
            frames.append(frame)
        return frames

    def frame(self, event: Event) -> Frame | None:
        """The frame of an event, kept from the last time or made."""
        if (kept := self.kept[event.position]) is not None:
            return kept
        frame = self._frame(event.position, self.payloads[event.position])
        if frame is not None:
            _kept.put(self.chat_id, event, frame)
        return frame

    def _turns_of(self, event: Event) -> list[int]:
        if self.kept[event.position] is not None:
            return []
        match self.payloads[event.position]:
            case UserTurn() | AssistantTurn():
                return [event.position]
            case TurnSuperseded(turn=turn, by=by):
                return [turn, by]
            case TurnRestored(turn=turn):
                return [turn]
            case _:
                return []

    def _frame(self, position: int, payload: Payload) -> Frame | None:  # noqa: C901, PLR0911  (a case for each sort)
        match payload:
            case ReplyRequested() | ChatCreated() | DrillStarted():
                return None
            case UserTurn() | AssistantTurn():
                return self._written(position, payload)
            case TurnSuperseded():
                return self._superseded(position, payload)
            case TurnRestored():
                return self._stands(position, payload.turn, instead_of=payload.instead_of)
            case TurnDeleted():
                return self._gone(position, payload.turn)
            case (
                ChatRenamed() | PremiseChanged() | PersonaChanged() | whole.InterjectionsSet()
                | whole.StorySeeded() | whole.Branched()
                | ChatPinned() | ChatUnpinned() | ChatArchived() | ChatUnarchived() | ChatDeleted() | ChatUndeleted()
                | MemberJoined() | MemberLeft() | CharacterJoined() | CharacterRevised() | SceneRenamed()
                | elsewhere.MeanwhileOpened() | elsewhere.MeanwhileContinued()
            ):  # fmt: skip
                return Frame("chat", {"position": position}, position)
            case SceneOpened() | SceneClosed() | CharacterEntered() | CharacterExited():
                return self._marked(position, payload)
            case (
                facts.EventPlanned() | facts.EventStarted() | facts.EventCompleted() | facts.EventCancelled()
                | facts.EventEdited() | facts.EventStatusReverted()
                | facts.MemoryFormed() | facts.MemoryDismissed() | facts.MemoryRecalled()
                | facts.RelationshipChanged() | facts.MilestoneReached() | facts.TurnRead() | facts.DecisionRegistered()
            ):  # fmt: skip
                return Frame("story", {"position": position}, position)

    def _marked(self, position: int, payload: Payload) -> Frame | None:
        if position not in {event.position for event in self.marking}:
            return None
        names = {character: card["name"] for character, card in self.cards.items()}
        mark = marks.mark_of(position, payload, names=names, scenes=self.scenes)
        if mark is None:
            return None
        return Frame("mark_html", {"position": position, "html": str(render_mark(mark))}, position)

    def _written(self, position: int, payload: UserTurn | AssistantTurn) -> Frame | None:
        if position in self.decided:
            # What follows it says which of the two writings stands.
            return None
        return self._stands(position, position, instead_of=payload.regenerated_from)

    def _superseded(self, position: int, payload: TurnSuperseded) -> Frame | None:
        old, new = self.turns[payload.turn], self.turns[payload.by]
        if old.place != new.place:
            # One that fell and rose in one act never left the page.
            return None if position in self.stayed else self._gone(position, old.id)
        if old.id in self.payloads and new.id < old.id:
            # It never stood: the page gets the one that does afresh.
            frame = self._stands(position, new.id, instead_of=new.id, written=old)
            frame.body["told"] = outcome.of_part(old, self.numbers[old.id])
            return frame
        # An older one that stands again is told by its turn_restored.
        if new.id < old.id:
            return None
        frame = self._stands(position, new.id, instead_of=old.id)
        if new.generation:
            frame.body["told"] = outcome.of_whole(old)
        return frame

    def _stands(self, position: int, turn_id: int, *, instead_of: int | None, written: Turn | None = None) -> Frame:
        turn = self.turns[turn_id]
        told = written or turn
        body: dict[str, Any] = {"position": position, "turn_id": turn.id}
        if instead_of is not None:
            body["supersedes_id"] = instead_of
        body |= {"generation": told.generation, "state": told.state, "html": self._html(turn)}
        return Frame("turn_html" if instead_of is None else "turn_html_replace", body, position)

    def _gone(self, position: int, turn_id: int) -> Frame:
        return Frame("turn_html_remove", {"position": position, "turn_id": turn_id}, position)

    def _html(self, turn: Turn) -> str:
        return str(render_turn(turn, turn.chat, self.cards, writing=self.numbers[turn.id]))


def _stayed(payloads: Mapping[int, Payload]) -> Iterator[int]:
    """Where a turn falls that rises again in the same act, by position; given and told in log order."""
    fell: dict[int, int] = {}
    for position, payload in payloads.items():
        match payload:
            case TurnSuperseded(turn=turn):
                fell[turn] = position
            case TurnRestored(turn=turn, instead_of=instead_of) if turn == instead_of and turn in fell:
                yield fell[turn]


def _turns(wanted: Collection[int], chat_id: int) -> dict[int, Turn]:
    turns = _turns_by_id(wanted, chat_id)
    if turns:
        chat = fetch(Chat, id=chat_id)
        meanwhiles = {id_: fetch(Meanwhile, id=id_) for id_ in {turn.meanwhile_id for turn in turns} if id_}
        for turn in turns:
            turn.chat = chat
            turn.meanwhile = meanwhiles.get(turn.meanwhile_id or 0)
    return {turn.id: turn for turn in turns}


@composed_in
def _turns_by_id(ids: Sequence[int], chat: int) -> "QuerySet[Turn]":
    return Turn.objects.filter(chat=chat, id__in=ids)


@composed_in
def _cards(characters: Sequence[int], chat: int) -> "QuerySet[CastMember, tuple[int, dict[str, Any]]]":
    return CastMember.objects.filter(chat=chat, character__in=characters).values_list("character", "card")
