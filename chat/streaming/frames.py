"""What goes to a browser: frames of what happened, and those that are no events; one place for every door.

Offsets and lengths of text are in characters as Python counts them (Unicode code points); a client in
JavaScript, which counts UTF-16 units, must use `[...text].length`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from chat.log import read
from chat.log.models import Event
from chat.statements import composed
from chat.story.models import stream_of
from chat.story.payloads import (
    KINDS,
    ChatCreated,
    MemberJoined,
    MemberLeft,
    ReplyRequested,
    kind_of,
)
from chat.streaming.frame import Frame
from chat.streaming.telling import Telling

#: A browser that missed more events than this reloads the newest page of turns instead.
MOST_EVENTS = 200
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
    # Kinds of a newer version may stand there while processes are exchanged one by one.
    events = [event for event in _events(chat_id, position) if event.kind in KINDS]
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
    told = Telling(chat_id, events)
    return Batch(frames=told.frames(), position=reached, gone=told.gone, members_moved=moved)


@composed
def _events(chat: int, after: int) -> "QuerySet[Event]":
    # Not by the stream's name, and not by all the kinds: a query that is asked for every turn and every tab.
    events = Event.objects.filter(stream=chat, position__gt=after).exclude(kind__in=SILENT)
    return events.order_by("position").only("position", "kind", "payload", "recorded_at")[: MOST_EVENTS + 1]


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
