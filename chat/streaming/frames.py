"""What goes to a browser: frames, and how the events of the log become frames; one place for every door.

Offsets and lengths of text are in characters as Python counts them (Unicode code points); a client in
JavaScript, which counts UTF-16 units, must use `[...text].length`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from chat.log import read
from chat.log.models import Event
from chat.story import chat_payloads as whole
from chat.story import fact_payloads as facts
from chat.story import meanwhile_payloads as elsewhere
from chat.story.models import CastMember, Turn, stream_of
from chat.story.payloads import (
    KINDS,
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
from chat.turns import marks, variants

#: A browser that missed more events than this reloads the newest page of turns instead.
MOST_EVENTS = 200
#: Rendered frames kept in a process; the newest turns of the chats that are being read.
KEPT_FRAMES = 512
_kept = KeptFrames(KEPT_FRAMES)
#: Whoever gets one of these looks at the chat's head anew.
TELL_OF_THE_HEAD = {"chat", "mark_html"}
#: Frames that only say what to fetch anew: the chat's head and cast, or the facts of its story.
HINTS = ("chat", "story")
#: Kinds that are not worth a frame.
SILENT = {kind_of(ReplyRequested), kind_of(ChatCreated)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What happened in a chat after some position, up to `position`."""

    frames: Sequence[Frame]
    position: int
    #: More happened than is worth sending; `frames` is empty then.
    too_far: bool = False
    #: The chat is deleted.
    gone: bool = False
    #: Somebody joined or left.
    members_moved: bool = False


def after(chat_id: int, position: int, *, head: int = 0, until: int | None = None) -> Batch:
    """The frames of a chat's events after `position` (and not after `until`), in order.

    `head`: how far the log goes at least, where that is known.
    """
    events = _framed_events(chat_id, after=position)
    if until is not None:
        events = [event for event in events if event.position <= until]
    # What is not framed is passed over too, or it would be looked through again each time.
    reached = max([position, head, *(event.position for event in events)]) if until is None else until
    if not events:
        return Batch(frames=[], position=reached)
    moved = bool({kind_of(MemberJoined), kind_of(MemberLeft)} & {event.kind for event in events})
    if len(events) > MOST_EVENTS:
        # Not all of them were read: the head says where the browser will be when it has started afresh.
        reached = max(reached, read.head(stream_of(chat_id))) if until is None else until
        return Batch(frames=[], position=reached, too_far=True, members_moved=moved)
    told = _Telling(chat_id, events)
    return Batch(frames=told.frames(), position=reached, gone=told.gone, members_moved=moved)


def _framed_events(chat_id: int, *, after: int) -> list[Event]:
    # Not by the stream's name, and not by all the kinds: a query that is asked for every turn and every tab.
    events = Event.objects.filter(stream_id=chat_id, position__gt=after).exclude(kind__in=SILENT)
    found = events.order_by("position").only("position", "kind", "payload", "recorded_at")[: MOST_EVENTS + 1]
    # Kinds of a newer version may stand there while processes are exchanged one by one.
    return [event for event in found if event.kind in KINDS]


def reset(position: int) -> Frame:
    """Too far behind: reload the newest page of turns."""
    return Frame("reset", {"position": position}, position)


def hello(position: int) -> Frame:
    """The first frame: the position that this socket is at."""
    return Frame("hello", {"position": position})


def error(*, status: int, detail: str, **more: Any) -> Frame:
    """The answer to a refused command."""
    return Frame("error", {"status": status, "detail": detail, **more})


def merge_deltas(frames: Iterable[Frame]) -> list[Frame]:
    """The same frames with neighbouring deltas of one generation made one: the first offset, the last seq."""
    merged: list[Frame] = []
    run: list[Frame] = []
    for frame in frames:
        if run and (frame.type != "delta" or frame.body["generation"] != run[0].body["generation"]):
            merged.append(_one_delta(run))
            run = []
        if frame.type == "delta":
            run.append(frame)
        else:
            merged.append(frame)
    if run:
        merged.append(_one_delta(run))
    return merged


def _one_delta(run: list[Frame]) -> Frame:
    if len(run) == 1:
        return run[0]
    text = "".join(frame.body["text"] for frame in run)
    return Frame("delta", {**run[0].body, "seq": run[-1].body["seq"], "text": text})


class _Telling:
    """Turning events of one chat into frames with a fixed number of queries."""

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
        wanted = {turn for event in events for turn in self._turns_of(event)}
        turns = Turn.objects.filter(chat_id=chat_id).select_related("chat", "meanwhile")
        self.turns = turns.in_bulk(wanted) if wanted else {}
        self.marking = [event for event in marks.shown(events) if self.kept[event.position] is None]
        self.scenes = marks.scenes_of(self.marking)
        self.numbers = variants.numbered(self.turns.values())
        # A player's turn has no portrait to look up.
        seen = {turn.speaker for turn in self.turns.values() if turn.speaker is not None}
        seen |= {one for event in self.marking for one in marks.characters_in(self.payloads[event.position])}
        cast = CastMember.objects.filter(chat_id=chat_id, character__in=seen)
        members = cast.values_list("character", "card") if seen else []
        self.cards: dict[int, dict[str, Any]] = dict(members)

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
            return self._gone(position, old.id)
        if old.id in self.payloads:
            # Written in the same breath, so it never stood: the page gets the one that does afresh.
            return self._stands(position, new.id, instead_of=new.id, written=old)
        # An older one that stands again is told by its turn_restored.
        if new.id < old.id:
            return None
        frame = self._stands(position, new.id, instead_of=old.id)
        frame.body["went"] = variants.what_went(old)
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
