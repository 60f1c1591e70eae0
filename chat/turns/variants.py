"""The writings of a turn, what rewriting one undoes, and which later turns were written against an older one."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from chat.statements import composed_in
from chat.story import rewriting
from chat.story.fact_models import Memory, RelationshipChange, StoryEvent, StoryTransition
from chat.story.models import Chat, Turn

#: What it takes of a turn to know what was written before it was changed: not its text.
_TO_COMPARE = ("id", "place", "witnesses", "superseded_by", "restored_by")


@dataclass(frozen=True, slots=True)
class Numbered:
    """Which of a place's writings this is, counted from 1, how many there are, and its neighbours' ids."""

    number: int
    total: int
    earlier: int | None
    later: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """A story event that goes back; `after` is "" when nothing is left of it."""

    story_event: StoryEvent
    after: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Undone:
    """What goes with a turn when it falls."""

    interjections: list[Turn]
    story_events: list[Moved]
    memories: list[Memory]
    relationships: list[RelationshipChange]
    #: How many turns that stand come after it.
    later_turns: int

    def counted(self) -> dict[str, int]:
        """How many of each."""
        lists = {name: getattr(self, name) for name in ("interjections", "story_events", "memories", "relationships")}
        return {name: len(found) for name, found in lists.items()} | {"later_turns": self.later_turns}


def writings(chat: Chat, turn: Turn) -> list[Turn]:
    """Everything that was written in a turn's place, oldest first."""
    return list(chat.turns.filter(group=turn.group, place=turn.place).order_by("id"))


def of_page(chat: Chat, turns: Collection[Turn]) -> tuple[dict[int, Numbered], set[int]]:
    """What `numbered` and `written_before` say of turns that stand, mostly with one query for both."""
    fallen = chat.turns.filter(superseded_by__isnull=False, place__in={turn.place for turn in turns})
    last = max((turn.place for turn in turns), default=0)
    found = list((fallen | chat.turns.rewritten().filter(place__lt=last)).only(*_TO_COMPARE)) if turns else []
    changed = [one for one in found if one.superseded_by is None]
    return _numbered(turns, [one for one in found if one.superseded_by]), _outdated(chat, turns, changed)


def numbered(turns: Collection[Turn]) -> dict[int, Numbered]:
    """Of turns of one chat the number of each among the writings in its place, by id; with one query."""
    if not turns:
        return {}
    chat = next(iter(turns)).chat_id
    return _numbered(turns, _fallen({turn.place for turn in turns}, chat))


@composed_in
def _fallen(places: Sequence[int], chat: int) -> "QuerySet[Turn]":
    return Turn.objects.filter(chat=chat, superseded_by__isnull=False, place__in=places).only("id", "place")


def _numbered(turns: Collection[Turn], fallen: Iterable[Turn]) -> dict[int, Numbered]:
    ids: defaultdict[int, set[int]] = defaultdict(set)
    for one in [*fallen, *turns]:
        ids[one.place].add(one.id)
    return {turn.id: _among(sorted(ids[turn.place]), turn.id) for turn in turns}


def undone(chat: Chat, turn: Turn) -> Undone:
    """What goes with a turn that stands, when it is rewritten or edited."""
    interjection = rewriting.interjection_of(chat, turn)
    interjections = [interjection] if interjection else []
    fallen = {turn.id, *(one.id for one in interjections)}
    return Undone(
        interjections=interjections,
        story_events=_moved(chat, turn, fallen),
        memories=list(Memory.objects.filter(chat=chat, turn__in=fallen).active().order_by("id")),
        relationships=list(RelationshipChange.objects.filter(chat=chat, turn__in=fallen).active().order_by("id")),
        later_turns=chat.turns.live().filter(place__gt=turn.place).exclude(id__in=fallen).count(),
    )


def what_went(turn: Turn) -> str:
    """What went with a turn that fell, as a sentence; "" for nothing."""
    return sentence(fallen_with(turn), "went with it.")


def sentence(things: str, happened: str) -> str:
    """What happened to things, as a sentence; "" for none."""
    return f"{things[:1].upper()}{things[1:]} {happened}" if things else ""


def fallen_with(turn: Turn) -> str:
    """What a turn that fell took along, and brings back with it, counted: "1 interjection and 2 memories"."""
    line = rewriting.line_of(turn.chat, turn)
    along = Turn.objects.filter(chat=turn.chat_id, group=turn.group, went_with=line)
    fallen = [turn.id, *along.values_list("id", flat=True)]
    memories = Memory.objects.filter(chat=turn.chat_id, turn__in=fallen, dismissed_by=None).count()
    felt = RelationshipChange.objects.filter(chat=turn.chat_id, turn__in=fallen).count()
    moved = StoryTransition.objects.filter(chat=turn.chat_id, turn__in=fallen, void=False)
    planned = StoryEvent.objects.filter(chat=turn.chat_id, planned_by__in=fallen)
    story_events = {*moved.values_list("story_event", flat=True), *planned.values_list("id", flat=True)}
    parts = [
        counted(len(fallen) - 1, "other turn" if turn.kind == Turn.Kind.USER else "interjection"),
        counted(memories, "memory", "memories"),
        counted(len(story_events), "story event"),
        counted(felt, "change of feeling", "changes of feeling"),
    ]
    return listed([part for part in parts if part])


def counted(number: int, one: str, many: str = "") -> str:
    """A number of things, such as "1 memory" or "2 memories"; "" for none."""
    return f"{number} {one if number == 1 else many or one + 's'}" if number else ""


def listed(parts: list[str]) -> str:
    """Parts as in a sentence: "a, b and c"."""
    return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)


def written_before(chat: Chat, turns: Collection[Turn]) -> set[int]:
    """Ids of those replies whose speaker had witnessed an earlier turn as it no longer stands."""
    if not turns:
        return set()
    rewritten = chat.turns.rewritten().filter(place__lt=max(turn.place for turn in turns))
    return _outdated(chat, turns, rewritten.only(*_TO_COMPARE))


def _outdated(chat: Chat, turns: Collection[Turn], rewritten: Iterable[Turn]) -> set[int]:
    changed = list(rewritten)
    replies = [turn for turn in turns if turn.kind == Turn.Kind.ASSISTANT]
    came_back = {one.place for one in changed if one.restored_by}
    others: defaultdict[int, list[int]] = defaultdict(list)
    if replies and came_back:
        fallen = chat.turns.filter(superseded_by__isnull=False, place__in=came_back)
        for place, id_ in fallen.values_list("place", "id"):
            others[place].append(id_)
    return {reply.id for reply in replies if any(_was_other(one, reply, others[one.place]) for one in changed)}


def _was_other(changed: Turn, reply: Turn, others: Iterable[int]) -> bool:
    """Whether another writing than the one that stands was there when the reply was written."""
    if changed.place >= reply.place or reply.speaker not in changed.witnesses:
        return False
    if changed.id > reply.id:
        return True
    came_back_since = changed.restored_by is not None and changed.restored_by > reply.id
    return came_back_since and any(changed.id < other < reply.id for other in others)


def _among(ids: list[int], turn: int) -> Numbered:
    at = ids.index(turn)
    return Numbered(at + 1, len(ids), ids[at - 1] if at else None, ids[at + 1] if at + 1 < len(ids) else None)


def _moved(chat: Chat, turn: Turn, fallen: set[int]) -> list[Moved]:
    after: dict[int, str] = dict(rewriting.statuses_without(chat.id, fallen))
    hidden = StoryEvent.objects.filter(chat=chat, planned_by__in=fallen).visible()
    others = StoryTransition.objects.standing().exclude(turn__in=fallen)
    after |= {one.id: "" for one in hidden if not others.filter(story_event=one.id).exists()}
    rows = StoryEvent.objects.in_bulk(after)
    return [Moved(story_event=rows[id_], after=after[id_]) for id_ in sorted(after) if rows[id_].status != after[id_]]
