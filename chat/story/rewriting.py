"""What goes and what comes back when one writing takes another's place: pure rules, and their reading of the tables.

A transition that a fallen turn had caused is reverted; each once, and whatever another turn did on its own stands.
What a turn that rises again had brought about is brought about again, unless something later has moved it since.
"""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import cast

from chat.log.models import Event
from chat.story import lifecycle
from chat.story.fact_models import StoryEvent, StoryEventQuerySet, StoryTransition
from chat.story.fact_payloads import EventStatusReverted, Transition
from chat.story.lifecycle import Cause, Change, Status
from chat.story.models import Chat, Turn

logger = logging.getLogger(__name__)

#: How many of a turn group's newest turns are looked at for an interjection.
SIBLINGS = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A transition as the rules see it; `turn` is its cause, None: by hand or unknown."""

    position: int
    story_event: int
    change: Change
    status: Status
    turn: int | None = None
    place: int = 0
    #: Neither void nor taken back.
    stands: bool = True
    void: bool = False
    reverted: bool = False


def reverts(history: Sequence[Step], *, fallen: Collection[int], status_position: int) -> list[EventStatusReverted]:
    """What takes back all that the fallen turns did to one story event, in log order.

    `history` are all its transitions in log order, `status_position` the one that set its status.
    """
    return [
        EventStatusReverted(story_event=step.story_event, prior_status=prior, reverts=step.position, turn=step.turn)
        for step, prior, _ in _taken_back(history, fallen, status_position)
    ]


def status_after(history: Sequence[Step], *, fallen: Collection[int], status: Status, status_position: int) -> Status:
    """The status of one story event when these reverts are folded."""
    applied = [prior for _, prior, applies in _taken_back(history, fallen, status_position) if applies]
    return applied[-1] if applied else status


def _taken_back(
    history: Sequence[Step], fallen: Collection[int], status_position: int
) -> Iterator[tuple[Step, Status, bool]]:
    """Each step of a fallen turn, what was before it, and whether it had set the status, so that it changes now."""
    standing = [step for step in history if step.stands]
    for step in history:
        if step.turn not in fallen or step.reverted:
            continue
        standing = [other for other in standing if other is not step]
        applies = step.position == status_position
        if applies and standing:
            status_position = standing[-1].position
            yield step, standing[-1].status, True
        else:
            yield step, lifecycle.prior(step.change), applies


def resumed(history: Sequence[Step], *, turn: int, place: int) -> Status | None:
    """The status to which a turn that rises had led one story event; None when that is not to be done again."""
    own = [step for step in history if step.turn == turn and not step.void]
    if not own:
        return None
    since = [step for step in history if step.stands and step.position > own[-1].position]
    moved = any(step.turn is None or (step.turn != turn and step.place > place) for step in since)
    return None if moved else own[-1].status


def reverting(chat: int, *, fallen: Collection[int], turn: int) -> list[EventStatusReverted]:
    """The reverts for turns that fall, in log order over all story events; those without a cause are only logged.

    `turn` is the one because of which they fall.
    """
    _tell_skipped(chat, turn)
    positions = dict(_moved_by(chat, fallen).values_list("id", "status_position"))
    found = [
        reverted
        for story_event, history in _histories(positions)
        for reverted in reverts(history, fallen=fallen, status_position=positions[story_event])
    ]
    return sorted(found, key=attrgetter("reverts"))


def statuses_without(chat: int, fallen: Collection[int]) -> dict[int, Status]:
    """The statuses of the story events that these turns have moved, as they will be when the turns fall."""
    rows = {row.id: row for row in _moved_by(chat, fallen)}
    return {
        story_event: status_after(
            history,
            fallen=fallen,
            status=cast("Status", rows[story_event].status),
            status_position=rows[story_event].status_position,
        )
        for story_event, history in _histories(rows)
    }


def moved_back(chat: int, fallen: Collection[int]) -> set[tuple[int, int]]:
    """Of turns that fell, each with every story event whose status changed when its steps were taken back."""
    own = StoryTransition.objects.filter(chat_id=chat, turn__in=fallen, reverted_by__isnull=False)
    rows = StoryTransition.objects.filter(story_event__in=own.values("story_event")).order_by("story_event", "id")
    return {
        (row.turn, row.story_event)
        for _, of in groupby(rows, attrgetter("story_event"))
        for row in _moved_back(list(of))
        if row.turn is not None and row.turn in fallen
    }


def _moved_back(history: Sequence[StoryTransition]) -> Iterator[StoryTransition]:
    """The steps of one story event, in log order, whose reverts changed its status (see `_taken_back`)."""
    for row in history:
        left = [other for other in history if row.reverted_by and _stood_at(other, row.reverted_by)]
        last = left[-1] if left else None
        prior = last.status if last else lifecycle.prior(cast("Change", row.change))
        if row.reverted_by and not row.void and row.status != prior and (last is None or last.id < row.id):
            yield row


def _stood_at(row: StoryTransition, position: int) -> bool:
    """Whether it was there and counted just after the event at a position."""
    return not row.void and row.id < position and (row.reverted_by is None or row.reverted_by > position)


def resuming(chat: int, risen: Turn) -> list[Transition]:
    """What brings about again, from how things stand now, what a turn had brought about."""
    statuses = dict(_moved_by(chat, {risen.id}).values_list("id", "status"))
    cause = Cause(user_turn=risen.id) if risen.kind == Turn.Kind.USER else Cause(assistant_turn=risen.id)
    found: list[Transition] = []
    for story_event, history in _histories(statuses):
        if wanted := resumed(history, turn=risen.id, place=risen.place):
            status = cast("Status", statuses[story_event])
            found += lifecycle.transitions(story_event, status=status, to=wanted, cause=cause)
    return found


def line_of(chat: Chat, turn: Turn) -> int:
    """The writing that a turn is an edit of, or an edit of an edit of; itself for what was not edited by hand.

    What followed a reply stays with it however it is edited: it goes and comes with all of that line.
    """
    return lines_of(chat, [turn])[turn.id]


def lines_of(chat: Chat, turns: Collection[Turn]) -> dict[int, int]:
    """The `line_of` each of some turns, by the turn's id."""
    groups, places = {turn.group for turn in turns}, {turn.place for turn in turns}
    writings = chat.turns.filter(group__in=groups, place__in=places)
    fields = writings.values_list("id", "regenerated_from", "generation")
    edits = {one: before for one, before, how in fields if before and not how and not chat.came_with(one)}
    return {turn.id: _first_of(turn.id, edits) for turn in turns}


def gone_along(chat: Chat, turns: Collection[Turn]) -> dict[int, list[int]]:
    """Of what comes back with each of these turns what does not stand now, by the turn's id; in story order."""
    coming = coming_along(chat, turns)
    return {turn: [one.id for one in along if one.superseded_by is not None] for turn, along in coming.items()}


def coming_along(chat: Chat, turns: Collection[Turn]) -> dict[int, list[Turn]]:
    """Which turns fell with each of these and come back with it, by the turn's id; in story order."""
    lines = lines_of(chat, turns)
    took = dict(chat.turns.filter(id__in=set(lines.values())).values_list("id", "took_along"))
    fell = list(chat.turns.filter(id__in={one for those in took.values() for one in those}).order_by("place", "-id"))
    return {turn: _oldest_by_place([one for one in fell if one.id in took[line]]) for turn, line in lines.items()}


def _oldest_by_place(newest_first: Sequence[Turn]) -> list[Turn]:
    # What was only spoken when the reply had fallen never stood with it.
    return list({one.place: one for one in newest_first}.values())


def _first_of(turn: int, edits: Mapping[int, int]) -> int:
    while turn in edits:
        turn = edits[turn]
    return turn


def interjections_of(chat: Chat, turn: Turn) -> list[Turn]:
    """The live interjections that follow a live primary reply; looked for in its chat alone, newest first.

    One spoke up; more than one stands where an older one was brought back beside it.
    """
    if turn.kind != Turn.Kind.ASSISTANT or turn.interjection_of is not None:
        return []
    siblings = chat.turns.filter(group=turn.group).order_by("-id")[:SIBLINGS]
    return [one for one in siblings if one.interjection_of is not None and one.superseded_by is None]


def _tell_skipped(chat: int, turn: int) -> None:
    """Older logs do not say which turn had caused a transition: such a one stays, and that is told.

    What a player moved by hand names no turn either, and rightly stays.
    """
    unknown = list(StoryTransition.objects.filter(chat_id=chat, turn=None, id__gte=turn).values_list("id", flat=True))
    recorded = Event.objects.filter(position__in=unknown).exclude(actor__startswith="user:").order_by("position")
    positions = list(recorded.values_list("position", flat=True)) if unknown else []
    for position in positions:
        logger.debug("chat %d: transition %d names no turn and is left as it is", chat, position)
    if positions:
        logger.warning(
            "chat %d: lifecycle transitions at-or-after turn %d that name no turn are left as they are: %s",
            chat,
            turn,
            ", ".join(map(str, positions)),
        )


def _moved_by(chat: int, turns: Collection[int]) -> StoryEventQuerySet:
    moved = StoryTransition.objects.filter(chat_id=chat, turn__in=turns).values("story_event")
    return StoryEvent.objects.filter(chat_id=chat, id__in=moved)


def _histories(story_events: Collection[int]) -> list[tuple[int, list[Step]]]:
    if not story_events:
        return []
    rows = StoryTransition.objects.filter(story_event__in=story_events).order_by("story_event", "id")
    return [(story_event, [_step(row) for row in of]) for story_event, of in groupby(rows, attrgetter("story_event"))]


def _step(row: StoryTransition) -> Step:
    return Step(
        position=row.id,
        story_event=row.story_event,
        change=cast("Change", row.change),
        status=cast("Status", row.status),
        turn=row.turn,
        place=row.place,
        stands=not row.void and row.reverted_by is None,
        void=row.void,
        reverted=row.reverted_by is not None,
    )
