"""What the pages show of a turn's writings: what a new one undoes, how two compare, what is older than a change."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from chat.errors import ChatError
from chat.log.text import whole
from chat.story.bonds import names_of
from chat.story.models import Chat, Turn
from chat.templatetags.story_text import render_older_than
from chat.turns import outdated, transcript, undoing, variants
from chat.turns.comparing import Run, compared
from chat.turns.lines import plain
from chat.turns.standing import kept_down, refuse_fallen

type Context = dict[str, Any]

#: Of all that goes with many replies, so much is told one by one.
MOST_LINES = 30
#: Of one page, at most so many turns are looked at for marks.
MOST_MARKED = 1000


class NoSuchWritingError(ChatError):
    """There is no such writing of this turn."""

    status = 404


@dataclass(frozen=True, slots=True)
class Shown:
    """A writing beside another, word by word."""

    turn: Turn
    number: int
    runs: list[Run]
    #: Whose words it has, when it is an edit; "" when it is not.
    edited_by: str

    @property
    def stands(self) -> bool:
        """Whether it is the one that is read in the story."""
        return self.turn.superseded_by is None


def rewrite_page(chat: Chat, turn: Turn) -> Context:
    """The page that is shown before a turn is rewritten."""
    undone = undoing.undone(chat, turn)
    return {"chat": chat, "turn": turn, "undone": undone, "lines": list(undone.lines(names_of(chat)))}


def rewrite_from_page(chat: Chat, replies: Sequence[Turn]) -> Context:
    """The page that is shown before all replies from one on are rewritten."""
    undone = undoing.undone_by_all(chat, replies)
    lines = list(undone.lines(names_of(chat)))
    told, more = lines[:MOST_LINES], len(lines[MOST_LINES:])
    return {"chat": chat, "turn": replies[0], "replies": replies, "undone": undone, "lines": told, "more": more}


def edit_page(chat: Chat, turn: Turn) -> Context:
    """The form in which a turn is said otherwise."""
    refuse_fallen(turn)
    return {"chat": chat, "turn": turn, "undone": undoing.undone(chat, turn, alone=True)}


def deleted_page(chat: Chat) -> Context:
    """The deleted turns, each with what went with it."""
    turns = deleted(chat)
    went = undoing.fallen_with(chat, turns)
    return {"chat": chat, "deleted": [(turn, undoing.in_words(went[turn.id])) for turn in turns]}


def deleted(chat: Chat) -> list[Turn]:
    """The turns that can be brought back, of each place the one deleted last; newest deletion first.

    What answers a turn that is deleted itself can be brought back after that one.
    """
    newest: dict[int, Turn] = {}
    for turn in chat.turns.deleted().answering().order_by("-superseded_by"):
        newest.setdefault(turn.place, turn)
    return list(newest.values())


def count_deleted(chat: Chat) -> int:
    """How many `deleted` finds."""
    return chat.turns.deleted().answering().values("place").distinct().count()


def comparison(chat: Chat, turn: Turn, other: str) -> Context:
    """What stands beside another writing: the one named, or the one before it."""
    found = variants.writings(chat, turn)
    standing = next((one for one in found if one.superseded_by is None), turn)
    older = [one for one in found if one.id < standing.id] or [one for one in found if one.id != standing.id]
    with_ = older[-1] if older and not other else next((one for one in found if str(one.id) == other), None)
    if other and with_ is None:
        raise NoSuchWritingError
    numbers = {one.id: number for number, one in enumerate(found, start=1)}
    pair = [standing] if with_ is None or with_.id == standing.id else [with_, standing]
    runs = compared(plain(pair[0].text), plain(standing.text)) if len(pair) > 1 else ([],)
    by = variants.editors(pair)
    shown = [Shown(one, numbers[one.id], own, by.get(one.id, "")) for one, own in zip(pair, runs, strict=True)]
    return {
        "chat": chat,
        "turn": standing,
        "shown": shown,
        "all": [(numbers[one.id], one) for one in found],
        "other": shown[0].turn if len(shown) > 1 else None,
        "kept_down": kept_down(turn),
    }


def undone_json(chat: Chat, turn: Turn) -> Context:
    """What a new writing undoes: lists of what goes, and how many turns come after it."""
    undone, names = undoing.undone(chat, turn), names_of(chat)
    return {
        "story_events": [
            {"id": one.story_event.id, "title": one.story_event.title, "from": one.story_event.status, "to": one.after}
            for one in undone.story_events
        ],
        "memories": [
            {"id": one.id, "witness": names.get(one.witness, ""), "text": one.text} for one in undone.memories
        ],
        "milestones": [{"id": one.id, "text": one.text} for one in undone.milestones],
        "relationships": [
            {
                "id": one.id,
                "character": names.get(one.character, ""),
                "toward": names.get(one.toward, ""),
                "delta": one.delta,
            }
            for one in undone.relationships
        ],
        "interjections": [
            {"turn_id": one.id, "speaker": one.speaker_name, "text": one.text} for one in undone.interjections
        ],
        "later_turns": undone.later_turns,
    }


def variants_json(chat: Chat, turn: Turn) -> list[Context]:
    """The writings of a turn, oldest first."""
    return [
        {
            "turn_id": one.id,
            "number": number,
            "speaker": one.speaker_name,
            "text": one.text,
            "state": one.state,
            "live": one.superseded_by is None,
            "regenerated_from": one.regenerated_from,
            "said_at": one.said_at,
        }
        for number, one in enumerate(variants.writings(chat, turn), start=1)
    ]


def marked(request: HttpRequest, chat: Chat) -> Context:
    """Of a page of turns those written before an earlier one was changed: their ids, and the line of each as HTML."""
    first = whole(request.GET.get("first", ""))
    if first is not None:
        turns = list(chat.turns.live().filter(place__gte=first).in_story_order()[:MOST_MARKED])
    else:
        turns = transcript.newest(chat).turns
    found = outdated.written_before(chat, turns)
    lines = {turn.id: render_older_than(turn, chat, found[turn.id]) for turn in turns if turn.id in found}
    return {"turns": sorted(lines), "lines": lines}
