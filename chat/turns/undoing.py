"""What goes with a turn when it falls, and comes back when it rises: each thing of it, how many, and in words."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from django.utils.text import Truncator

from chat.story import rewriting
from chat.story.fact_models import Memory, Milestone, RelationshipChange, StoryEvent, StoryTransition, of_completed
from chat.story.models import Chat, Turn
from chat.turns.lines import plain

#: How many of each of `NAMES`.
type Counts = Mapping[str, int]

#: One and many of each, in the order in which they are told.
NAMES = {
    "memories": ("memory", "memories"),
    "story_events": ("story event", "story events"),
    "milestones": ("milestone", "milestones"),
    "relationships": ("change of feeling", "changes of feeling"),
    "interjections": ("interjection", "interjections"),
    #: With a player's turn go the replies to it.
    "other_turns": ("other turn", "other turns"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """A story event that goes back; `after` is "" when nothing is left of it."""

    story_event: StoryEvent
    after: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Undone:
    """What goes with turns that stand, when they fall."""

    memories: list[Memory]
    story_events: list[Moved]
    milestones: list[Milestone]
    relationships: list[RelationshipChange]
    interjections: list[Turn]
    #: How many other turns that stand come after the first of them.
    later_turns: int

    @property
    def counts(self) -> dict[str, int]:
        """How many of each."""
        return {
            "memories": len(self.memories),
            "story_events": len(self.story_events),
            "milestones": len(self.milestones),
            "relationships": len(self.relationships),
            "interjections": len(self.interjections),
        }

    @property
    def goes(self) -> str:
        """What goes, counted, as the subject of a sentence; "" for nothing."""
        return in_words(self.counts)

    def lines(self, names: Mapping[int, str]) -> Iterator[str]:
        """What goes, each in a sentence; `names` by character, the player's under 0."""
        for memory in self.memories:
            yield f"{names.get(memory.witness, 'Somebody')} forgets: {memory.text}"
        for moved in self.story_events:
            back = f"goes from {moved.story_event.status} back to {moved.after}"
            yield f"“{moved.story_event.title}” {back if moved.after else 'is no longer planned'}."
        for milestone in self.milestones:
            yield f"No milestone any more: {milestone.text}"
        for felt in self.relationships:
            who, toward = names.get(felt.character, "Somebody"), names.get(felt.toward, "somebody")
            yield f"{who} feels about {toward} as before" + (f": “{felt.why}” does not count." if felt.why else ".")
        for one in self.interjections:
            yield f"{one.speaker_name} no longer speaks up: {Truncator(plain(one.text)).words(16)}"


def undone(chat: Chat, turn: Turn, *, alone: bool = False) -> Undone:
    """What goes with a turn that stands, when it is rewritten; `alone`: when it is edited, without its interjection."""
    return _undone(chat, [turn], [] if alone else rewriting.interjections_of(chat, turn))


def undone_by_all(chat: Chat, replies: Collection[Turn]) -> Undone:
    """What goes when replies that stand are all rewritten, one after another in story order."""
    groups = {reply.group for reply in replies if reply.interjection_of is None}
    interjections = chat.turns.live().filter(group__in=groups, interjection_of__isnull=False)
    return _undone(chat, replies, list(interjections.in_story_order()))


def _undone(chat: Chat, replies: Collection[Turn], interjections: list[Turn]) -> Undone:
    fallen, first = {one.id for one in (*replies, *interjections)}, min(reply.place for reply in replies)
    return Undone(
        memories=list(Memory.objects.filter(chat=chat, turn__in=fallen).active().order_by("id")),
        story_events=_moved(chat, fallen),
        milestones=list(Milestone.objects.filter(chat=chat, turn__in=fallen).live().order_by("id")),
        relationships=list(RelationshipChange.objects.filter(chat=chat, turn__in=fallen).active().order_by("id")),
        interjections=interjections,
        later_turns=chat.turns.live().filter(place__gt=first).exclude(id__in=fallen).count(),
    )


def fallen_with(chat: Chat, turns: Collection[Turn]) -> dict[int, Counts]:
    """What each of these turns, which fell, took along and brings back with it, by the turn's id."""
    along = rewriting.gone_along(chat, turns)
    together = {turn: {turn, *others} for turn, others in along.items()}
    caused = _caused(chat, set().union(*together.values()))
    return {
        turn.id: {name: len({one for cause, one in of if cause in together[turn.id]}) for name, of in caused.items()}
        | {"other_turns" if turn.kind == Turn.Kind.USER else "interjections": len(along[turn.id])}
        for turn in turns
    }


def what_went(turn: Turn) -> str:
    """What went with a turn that fell, as a sentence; "" for nothing."""
    return sentence(taken_along(turn), "went with it.")


def taken_along(turn: Turn) -> str:
    """What a turn that fell took along, and brings back with it: "2 memories and 1 interjection"."""
    return in_words(fallen_with(turn.chat, [turn])[turn.id])


def in_words(counts: Counts) -> str:
    """Counted things as in a sentence: "2 memories, 1 story event and 1 interjection"; "" for none."""
    parts = [_counted(counts.get(name, 0), *words) for name, words in NAMES.items() if counts.get(name)]
    return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)


def sentence(things: str, happened: str) -> str:
    """What happened to things, as a sentence; "" for none."""
    return f"{things[:1].upper()}{things[1:]} {happened}" if things else ""


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _moved(chat: Chat, fallen: set[int]) -> list[Moved]:
    after: dict[int, str] = dict(rewriting.statuses_without(chat.id, fallen))
    hidden = StoryEvent.objects.filter(chat=chat, planned_by__in=fallen).visible()
    others = StoryTransition.objects.standing().exclude(turn__in=fallen)
    after |= {one.id: "" for one in hidden if not others.filter(story_event=one.id).exists()}
    rows = StoryEvent.objects.in_bulk(after)
    return [Moved(story_event=rows[id_], after=after[id_]) for id_ in sorted(after) if rows[id_].status != after[id_]]


def _caused(chat: Chat, fallen: Collection[int]) -> dict[str, list[tuple[int | None, int]]]:
    """What went when these turns fell: each turn with everything that it had caused; see `undone`."""
    memories = Memory.objects.filter(chat=chat, turn__in=fallen, dismissed_by=None)
    moved = rewriting.moved_back(chat.id, fallen)
    planned = StoryEvent.objects.filter(chat=chat, planned_by__in=fallen)
    unplanned = planned.exclude(id__in=StoryEvent.objects.visible().filter(chat=chat).values("id"))
    reached = Milestone.objects.filter(chat=chat, turn__in=fallen).not_repeated()
    milestones = reached.values_list("turn", "story_event", of_completed())
    felt = RelationshipChange.objects.filter(chat=chat, turn__in=fallen)
    return {
        "memories": list(memories.values_list("turn", "id")),
        "story_events": [*moved, *unplanned.values_list("planned_by", "id")],
        "milestones": [(turn, one) for turn, one, completed in milestones if completed or (turn, one) in moved],
        "relationships": list(felt.values_list("turn", "id")),
    }
