"""What the pages show of a turn's writings: what a new one undoes, how two compare, what is older than a change."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from django.http import HttpRequest
from django.utils.text import Truncator

from chat.errors import ChatError
from chat.pages import facts
from chat.story.models import Chat, Turn
from chat.templatetags.story_text import plain
from chat.turns import transcript, variants
from chat.turns.standing import refuse_fallen
from chat.turns.variants import Undone, counted, listed

type Context = dict[str, Any]

#: Of one page, at most so many turns are looked at for marks.
MOST_MARKED = 1000
_WORDS = re.compile(r"\s+|[\w’']+|[^\w\s]")


class NoSuchWritingError(ChatError):
    """There is no such writing of this turn."""

    status = 404


@dataclass(frozen=True, slots=True)
class Run:
    """Words that two writings share, or that only one of them has."""

    text: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A writing beside another, word by word."""

    turn: Turn
    number: int
    runs: list[Run]

    @property
    def stands(self) -> bool:
        """Whether it is the one that is read in the story."""
        return self.turn.superseded_by is None


def standing_beside(chat: Chat, turn: Turn) -> Turn | None:
    """The writing that stands in a turn's place."""
    return chat.turns.live().filter(place=turn.place).first()


def rewrite_page(chat: Chat, turn: Turn) -> Context:
    """The page that is shown before a turn is rewritten."""
    undone = variants.undone(chat, turn)
    lines = list(_lines(undone, facts.names_of(chat)))
    return {"chat": chat, "turn": turn, "undone": undone, "goes": _goes(undone), "lines": lines}


def edit_page(chat: Chat, turn: Turn) -> Context:
    """The form in which a turn is said otherwise."""
    refuse_fallen(turn)
    undone = variants.undone(chat, turn)
    # An edit keeps the interjection: only what the turn's own words had caused goes.
    return {"chat": chat, "turn": turn, "goes": _goes(undone, interjections=False)}


def deleted(chat: Chat) -> list[Turn]:
    """The turns that can be brought back, of each place the one deleted last; newest deletion first."""
    newest: dict[int, Turn] = {}
    for turn in chat.turns.deleted().order_by("-superseded_by"):
        newest.setdefault(turn.place, turn)
    return list(newest.values())


def comparison(chat: Chat, turn: Turn, other: str) -> Context:
    """What stands beside another writing: the one named, or the one before it."""
    found = variants.writings(chat, turn)
    standing = next((one for one in found if one.superseded_by is None), turn)
    older = [one for one in found if one.id < standing.id] or [one for one in found if one.id != standing.id]
    with_ = older[-1] if older and not other else next((one for one in found if str(one.id) == other), None)
    if other and with_ is None:
        raise NoSuchWritingError
    numbers = {one.id: number for number, one in enumerate(found, start=1)}
    shown = [Shown(one, numbers[one.id], []) for one in (standing,)]
    if with_ is not None and with_.id != standing.id:
        one, another = compared(plain(with_.text), plain(standing.text))
        shown = [Shown(with_, numbers[with_.id], one), Shown(standing, numbers[standing.id], another)]
    return {
        "chat": chat,
        "turn": standing,
        "shown": shown,
        "all": [(numbers[one.id], one) for one in found],
        "other": shown[0].turn if len(shown) > 1 else None,
    }


def compared(old: str, new: str) -> tuple[list[Run], list[Run]]:
    """Two texts word by word, each as runs that the other has too, or has not."""
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    removed: list[Run] = []
    added: list[Run] = []
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        same = tag == "equal"
        if b > a:
            removed.append(Run("".join(before[a:b]), changed=not same))
        if d > c:
            added.append(Run("".join(after[c:d]), changed=not same))
    return removed, added


def undone_json(chat: Chat, turn: Turn) -> Context:
    """What a new writing undoes: lists of what goes, and how many turns come after it."""
    undone, names = variants.undone(chat, turn), facts.names_of(chat)
    return {
        "story_events": [
            {"id": one.story_event.id, "title": one.story_event.title, "from": one.story_event.status, "to": one.after}
            for one in undone.story_events
        ],
        "memories": [
            {"id": one.id, "witness": names.get(one.witness, ""), "text": one.text} for one in undone.memories
        ],
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


def marked(request: HttpRequest, chat: Chat) -> list[int]:
    """Ids of the turns on a page that were written before an earlier one was changed."""
    first = request.GET.get("first", "")
    if first.isascii() and first.isdecimal() and len(first) < len(str(2**63)):
        turns = list(chat.turns.live().filter(place__gte=int(first)).in_story_order()[:MOST_MARKED])
    else:
        turns = transcript.newest(chat).turns
    return sorted(variants.written_before(chat, turns))


def _lines(undone: Undone, names: dict[int, str]) -> Iterator[str]:
    """What goes, each in a sentence."""
    for moved in undone.story_events:
        then = f"goes from {moved.story_event.status} back to {moved.after}" if moved.after else "is no longer planned"
        yield f"“{moved.story_event.title}” {then}."
    for memory in undone.memories:
        yield f"{names.get(memory.witness, 'Somebody')} forgets: {memory.text}"
    for felt in undone.relationships:
        who, toward = names.get(felt.character, "Somebody"), names.get(felt.toward, "somebody")
        yield f"{who} feels about {toward} as before" + (f": “{felt.why}” does not count." if felt.why else ".")
    for interjection in undone.interjections:
        yield f"{interjection.speaker_name} has not interjected: {Truncator(plain(interjection.text)).words(16)}"


def _goes(undone: Undone, *, interjections: bool = True) -> str:
    """What goes, counted, as the subject of a sentence; "" for nothing."""
    parts = [
        counted(len(undone.story_events), "story event"),
        counted(len(undone.memories), "memory", "memories"),
        counted(len(undone.relationships), "change of feeling", "changes of feeling"),
        counted(len(undone.interjections) if interjections else 0, "interjection"),
    ]
    return listed([part for part in parts if part])
