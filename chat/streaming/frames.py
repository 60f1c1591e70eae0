"""What goes to a browser: frames, and how the events of the log become frames; one place for every door.

Offsets and lengths of text are in characters as Python counts them (Unicode code points); a client in
JavaScript, which counts UTF-16 units, must use `[...text].length`.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from json.encoder import encode_basestring
from typing import Any

from chat.log import read
from chat.log.models import Event
from chat.story import fact_payloads as facts
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
    TurnSuperseded,
    UserTurn,
    decode,
    kind_of,
)
from chat.templatetags.story_text import render_turn

#: A browser that missed more events than this reloads the newest page of turns instead.
MOST_EVENTS = 200
#: Rendered frames kept in a process; the newest turns of the chats that are being read.
KEPT_FRAMES = 512
_DELTA = '{"type":"delta","generation":"%(generation)s","seq":%(seq)d,"offset":%(offset)d,"text":%(text)s}'
#: Frames that only say what to fetch anew: the chat's head and cast, or the facts of its story.
HINTS = ("chat", "story")
#: Kinds that are not worth a frame.
SILENT = {kind_of(ReplyRequested), kind_of(ChatCreated)}


@dataclass(frozen=True)
class Frame:
    """One frame; `position` is that of its event, 0 for what is not in the log (tokens and their like)."""

    type: str
    body: dict[str, Any]
    position: int = 0

    @cached_property
    def text(self) -> str:
        """The frame as it goes over a WebSocket; made once, however many sockets it goes to."""
        if self.type == "delta":
            # One for every token: four times as fast as the general way.
            return _DELTA % {**self.body, "text": encode_basestring(self.body["text"])}
        return json.dumps({"type": self.type, **self.body}, ensure_ascii=False, separators=(",", ":"))


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
        self.kept = {event.position: _kept.get(_key(chat_id, event)) for event in events}
        wanted = {turn for event in events for turn in self._turns_of(event)}
        turns = Turn.objects.filter(chat_id=chat_id).select_related("chat")
        self.turns = turns.in_bulk(wanted) if wanted else {}
        # A player's turn has no portrait to look up.
        speakers = {turn.speaker for turn in self.turns.values() if turn.speaker is not None}
        cast = CastMember.objects.filter(chat_id=chat_id, character__in=speakers)
        members = cast.values_list("character", "card") if speakers else []
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
            if frame.type in HINTS and frames and frames[-1].type == frame.type:
                frames.pop()
            frames.append(frame)
        return frames

    def frame(self, event: Event) -> Frame | None:
        """The frame of an event, kept from the last time or made."""
        if (kept := self.kept[event.position]) is not None:
            return kept
        frame = self._frame(event.position, self.payloads[event.position])
        if frame is not None:
            _kept.put(_key(self.chat_id, event), frame)
        return frame

    def _turns_of(self, event: Event) -> list[int]:
        if self.kept[event.position] is not None:
            return []
        match self.payloads[event.position]:
            case UserTurn() | AssistantTurn():
                return [event.position]
            case TurnSuperseded(turn=turn, by=by):
                return [turn, by]
            case _:
                return []

    def _frame(self, position: int, payload: Payload) -> Frame | None:
        match payload:
            case ReplyRequested() | ChatCreated() | DrillStarted():
                return None
            case UserTurn():
                return self._said(position)
            case AssistantTurn():
                # A new writing is told by the turn_superseded that follows it: which of the two stands.
                return None if payload.regenerated_from else self._said(position)
            case TurnSuperseded():
                return self._superseded(position, payload)
            case (
                ChatRenamed() | PremiseChanged() | PersonaChanged() | ChatPinned() | ChatUnpinned()
                | ChatArchived() | ChatUnarchived() | ChatDeleted() | ChatUndeleted()
                | MemberJoined() | MemberLeft() | CharacterJoined() | CharacterRevised()
                | SceneOpened() | SceneRenamed() | SceneClosed() | CharacterEntered() | CharacterExited()
            ):  # fmt: skip
                return Frame("chat", {"position": position}, position)
            case (
                facts.EventPlanned() | facts.EventStarted() | facts.EventCompleted() | facts.EventCancelled()
                | facts.EventEdited() | facts.MemoryFormed() | facts.MemoryDismissed() | facts.MemoryRecalled()
                | facts.RelationshipChanged() | facts.MilestoneReached() | facts.TurnRead() | facts.DecisionRegistered()
            ):  # fmt: skip
                return Frame("story", {"position": position}, position)

    def _said(self, position: int) -> Frame:
        turn = self.turns[position]
        body = {
            "position": position,
            "turn_id": turn.id,
            "generation": turn.generation,
            "state": turn.state,
            "html": self._html(turn),
        }
        return Frame("turn_html", body, position)

    def _superseded(self, position: int, payload: TurnSuperseded) -> Frame:
        old, new = self.turns[payload.turn], self.turns[payload.by]
        if old.place != new.place:
            return Frame("turn_html_remove", {"position": position, "turn_id": old.id}, position)
        # A new writing that was cut off does not replace the standing one: the page gets that one afresh.
        in_its_place = min(old.id, new.id)
        written = self.turns[max(old.id, new.id)]
        body = {
            "position": position,
            "turn_id": new.id,
            "supersedes_id": in_its_place,
            "generation": written.generation,
            "state": written.state,
            "html": self._html(new),
        }
        return Frame("turn_html_replace", body, position)

    def _html(self, turn: Turn) -> str:
        return str(render_turn(turn, turn.chat, self.cards))


type _Key = tuple[int, int, datetime]


def _key(chat_id: int, event: Event) -> _Key:
    # With the time: tests and restored backups use positions again.
    return chat_id, event.position, event.recorded_at


class _KeptFrames:
    """The most recently used frames of this process."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._frames: OrderedDict[_Key, Frame] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: _Key) -> Frame | None:
        with self._lock:
            if key in self._frames:
                self._frames.move_to_end(key)
            return self._frames.get(key)

    def put(self, key: _Key, frame: Frame) -> None:
        with self._lock:
            self._frames[key] = frame
            if len(self._frames) > self._most:
                self._frames.popitem(last=False)


_kept = _KeptFrames(KEPT_FRAMES)
