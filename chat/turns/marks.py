"""Marks: what stands between the turns of a transcript; scenes that open and end, and who comes and goes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import pairwise
from operator import attrgetter

from chat.log.models import Event
from chat.story.models import Chat, Scene, Turn
from chat.story.payloads import (
    CharacterEntered,
    CharacterExited,
    Payload,
    SceneClosed,
    SceneOpened,
    decode,
    kind_of,
)

KINDS = tuple(kind_of(payload) for payload in (SceneOpened, SceneClosed, CharacterEntered, CharacterExited))
_OPENED, _CLOSED = kind_of(SceneOpened), kind_of(SceneClosed)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """One mark; it stands among the turns by its place, the position of its event."""

    place: int
    sentence: str
    #: Of a scene that opens: its number, title and the names of those present.
    number: int = 0
    title: str = ""
    names: tuple[str, ...] = ()


def between(chat: Chat, *, first: int = 0, before: int | None = None, names: Mapping[int, str]) -> list[Mark]:
    """A chat's marks from place `first` on and before place `before`, in story order; two queries at most."""
    events = Event.objects.filter(stream_id=chat.id, kind__in=KINDS, position__gte=first)
    if before is not None:
        events = events.filter(position__lt=before)
    found = shown(list(events.order_by("position").only("position", "kind", "payload", "recorded_at")))
    scenes = scenes_of(found)
    return [mark for event in found if (mark := mark_of(event.position, _payload(event), names=names, scenes=scenes))]


def interleaved(turns: Iterable[Turn], found: Iterable[Mark]) -> Iterator[Turn | Mark]:
    """Turns and marks, each in story order, as one story."""
    together: list[Iterable[Turn | Mark]] = [turns, found]
    return iter(merge(*together, key=attrgetter("place")))


def shown(events: Sequence[Event]) -> list[Event]:
    """Those of a chat's marking events that are worth a mark: not the end of a scene that makes way for the next."""
    makes_way = {
        one.position
        for one, then in pairwise(events)
        if one.kind == _CLOSED and then.kind == _OPENED and one.recorded_at == then.recorded_at
    }
    return [event for event in events if event.kind in KINDS and event.position not in makes_way]


def scenes_of(events: Iterable[Event]) -> dict[int, Scene]:
    """The scenes that these events open, under the titles they have now."""
    opened = [event.position for event in events if event.kind == _OPENED]
    return Scene.objects.in_bulk(opened) if opened else {}


def mark_of(position: int, payload: Payload, *, names: Mapping[int, str], scenes: Mapping[int, Scene]) -> Mark | None:
    """The mark of an event; None for an event that leaves none."""
    match payload:
        case SceneOpened():
            return _opening(scenes[position], tuple(names.get(one, "Somebody") for one in payload.present))
        case SceneClosed():
            return Mark(place=position, sentence="The scene ends")
        case CharacterEntered():
            return Mark(place=position, sentence=f"{names.get(payload.character, 'Somebody')} enters")
        case CharacterExited():
            return Mark(place=position, sentence=f"{names.get(payload.character, 'Somebody')} leaves")
        case _:
            return None


def characters_in(payload: Payload) -> tuple[int, ...]:
    """The characters whose names a mark needs."""
    match payload:
        case SceneOpened():
            return payload.present
        case CharacterEntered() | CharacterExited():
            return (payload.character,)
        case _:
            return ()


def _opening(scene: Scene, names: tuple[str, ...]) -> Mark:
    title = f": {scene.title}" if scene.title else ""
    present = f" — {', '.join(names)}" if names else ""
    return Mark(
        place=scene.id,
        sentence=f"Scene {scene.number}{title}{present}",
        number=scene.number,
        title=scene.title,
        names=names,
    )


def _payload(event: Event) -> Payload:
    return decode(event.kind, event.payload)
