"""The writings of a turn: which of how many one is, and who wrote it by hand."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import QuerySet

from chat.log.models import Event
from chat.statements import composed_in
from chat.story.models import Chat, Turn
from chat.turns import outdated
from chat.turns.chats import user_of
from chat.turns.outdated import Change


@dataclass(frozen=True, slots=True)
class Numbered:
    """Which of a place's writings this is, counted from 1, how many there are, and its neighbours' ids."""

    number: int
    total: int
    earlier: int | None
    later: int | None


def writings(chat: Chat, turn: Turn) -> list[Turn]:
    """Everything that was written in a turn's place, oldest first."""
    return list(chat.turns.filter(group=turn.group, place=turn.place).order_by("id"))


def of_page(chat: Chat, turns: Collection[Turn]) -> tuple[dict[int, Numbered], dict[int, Change]]:
    """What `numbered` and `written_before` say of turns that stand, with one query for both."""
    if not turns:
        return {}, {}
    places = {turn.place for turn in turns}
    others = chat.turns.filter(superseded_by__isnull=False, place__in=places)
    found = outdated.changes(others | outdated.changed_before(chat, turns))
    # A place where something stands has no deleted turn, and the other way round.
    fallen = [one.turn for one in found if one.turn.superseded_by and one.turn.place in places]
    changed = [one for one in found if not (one.turn.superseded_by and one.turn.place in places)]
    return _numbered(turns, fallen), outdated.among(turns, changed)


def numbered(turns: Collection[Turn]) -> dict[int, Numbered]:
    """Of turns of one chat the number of each among the writings in its place, by id; with one query."""
    if not turns:
        return {}
    chat = next(iter(turns)).chat_id
    return _numbered(turns, _fallen({turn.place for turn in turns}, chat))


def editors(turns: Iterable[Turn]) -> dict[int, str]:
    """The name of whoever edited each of those turns that are edits."""
    edits = [turn.id for turn in turns if turn.is_edit]
    if not edits:
        return {}
    by = {event.position: user_of(event.actor) for event in Event.objects.filter(position__in=edits)}
    users = User.objects.in_bulk(one for one in by.values() if one is not None)
    return {edit: users[by[edit]].get_username() if by[edit] in users else "Somebody" for edit in edits}


@composed_in
def _fallen(places: Sequence[int], chat: int) -> "QuerySet[Turn]":
    return Turn.objects.filter(chat=chat, superseded_by__isnull=False, place__in=places).only("id", "place")


def _numbered(turns: Collection[Turn], fallen: Iterable[Turn]) -> dict[int, Numbered]:
    ids: defaultdict[int, set[int]] = defaultdict(set)
    for one in [*fallen, *turns]:
        ids[one.place].add(one.id)
    return {turn.id: _among(sorted(ids[turn.place]), turn.id) for turn in turns}


def _among(ids: list[int], turn: int) -> Numbered:
    at = ids.index(turn)
    later = ids[at + 1] if at + 1 < len(ids) else None
    return Numbered(at + 1, len(ids), ids[at - 1] if at else None, later)
