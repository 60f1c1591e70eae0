"""What is so, worked out from the log in the plainest way, to hold the tables against."""

from chat.log.read import events_of
from chat.story.models import Chat

#: (status before, kind) to status after.
LIFE = {
    ("planned", "event_started"): "active",
    ("active", "event_completed"): "completed",
    ("planned", "event_cancelled"): "cancelled",
    ("active", "event_cancelled"): "cancelled",
}


class NaiveFacts:
    """The facts of a chat, by one look at each of its events."""

    def __init__(self, chat: Chat) -> None:
        events = events_of(chat.stream)
        places = {}
        gone = set()
        for event in events:
            if event.kind in {"user_turn", "assistant_turn"}:
                first = event.payload.get("regenerated_from")
                places[event.position] = places[first] if first else event.position
            elif event.kind == "turn_superseded":
                gone.add(event.payload["turn"])
        self.statuses: dict[int, tuple[str, int]] = {}
        #: Of live turns; and of those what nobody had forgotten.
        self.formed: set[int] = set()
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
        elif kind in {"event_started", "event_completed", "event_cancelled"}:
            before, _ = self.statuses[payload["story_event"]]
            if after := LIFE.get((before, kind)):
                self.statuses[payload["story_event"]] = (after, position)
        elif kind == "memory_formed" and payload["turn"] not in gone:
            self.formed.add(position)
            self.memories.add(position)
        elif kind == "memory_dismissed":
            self.memories.discard(payload["memory"])
        elif kind == "memory_recalled":
            self.memories |= {payload["memory"]} & self.formed
