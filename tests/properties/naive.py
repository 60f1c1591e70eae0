"""What is so, worked out from the log in the plainest way, to hold the tables against."""

from chat.log.models import Event
from chat.log.read import events_of
from chat.story.models import Chat

#: (status before, kind) to status after; again what it is already changes nothing but whose doing it is.
LIFE = {
    ("planned", "event_started"): "active",
    ("active", "event_started"): "active",
    ("active", "event_completed"): "completed",
    ("completed", "event_completed"): "completed",
    ("planned", "event_cancelled"): "cancelled",
    ("active", "event_cancelled"): "cancelled",
    ("cancelled", "event_cancelled"): "cancelled",
}
#: What it was before, if nothing else is known.
BEFORE = {"event_started": "planned", "event_completed": "active", "event_cancelled": "active"}
SAID = {"user_turn", "assistant_turn"}


def gone_in(events: list[Event]) -> set[int]:
    """The turns that do not stand at the end."""
    gone: set[int] = set()
    for event in events:
        if event.kind in {"turn_superseded", "turn_deleted"}:
            gone.add(event.payload["turn"])
        elif event.kind == "turn_restored":
            gone.remove(event.payload["turn"])
    return gone


def places_in(events: list[Event]) -> dict[int, int]:
    """Where each turn stands: where the first writing of its chain was said."""
    places: dict[int, int] = {}
    for event in events:
        if event.kind in SAID:
            first = event.payload.get("regenerated_from")
            places[event.position] = places[first] if first else event.position
    return places


class NaiveFacts:
    """The facts of a chat, by one look at each of its events."""

    def __init__(self, chat: Chat) -> None:
        events = events_of(chat.stream)
        places, gone = places_in(events), gone_in(events)
        texts = {event.position: event.payload["text"] for event in events if event.kind in SAID}
        self.live = [texts[turn] for turn in sorted(texts, key=lambda turn: (places[turn], turn)) if turn not in gone]
        self.statuses: dict[int, tuple[str, int]] = {}
        #: Of live turns; and of those what nobody had forgotten.
        self.formed: set[int] = set()
        #: By story event, the transitions that took effect and were not taken back: position to status.
        self._standing: dict[int, dict[int, str]] = {}
        self._kinds: dict[int, str] = {}
        self.memories: set[int] = set()
        self.levels: dict[tuple[int, int], int] = {}
        for event in events:
            self._take(event.kind, event.position, event.payload, gone)
        felt = [event for event in events if event.kind == "relationship_changed" and event.payload["turn"] not in gone]
        for event in sorted(felt, key=lambda event: (places[event.payload["turn"]], event.position)):
            pair = event.payload["character"], event.payload["toward"]
            self.levels[pair] = max(-5, min(5, self.levels.get(pair, 0) + event.payload["delta"]))

    def _take(self, kind: str, position: int, payload: dict, gone: set[int]) -> None:
        if kind == "event_planned":
            self.statuses[position] = ("planned", position)
            self._standing[position] = {}
        elif kind in BEFORE:
            before, _ = self.statuses[payload["story_event"]]
            self._kinds[position] = kind
            if after := LIFE.get((before, kind)):
                self.statuses[payload["story_event"]] = (after, position)
                self._standing[payload["story_event"]][position] = after
        elif kind == "event_status_reverted":
            self._revert(position, payload["story_event"], payload["reverts"])
        elif kind == "memory_formed" and payload["turn"] not in gone:
            self.formed.add(position)
            self.memories.add(position)
        elif kind == "memory_dismissed":
            self.memories.discard(payload["memory"])
        elif kind == "memory_recalled":
            self.memories |= {payload["memory"]} & self.formed

    def _revert(self, position: int, story_event: int, reverts: int) -> None:
        standing = self._standing[story_event]
        standing.pop(reverts, None)
        if self.statuses[story_event][1] != reverts:
            return
        if standing:
            last = max(standing)
            self.statuses[story_event] = (standing[last], last)
        else:
            self.statuses[story_event] = (BEFORE[self._kinds[reverts]], position)
