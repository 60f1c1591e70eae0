"""What pages say of rewriting a turn: what goes with the old writing, and how two writings differ."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

from django.utils.text import Truncator

from chat.templatetags.story_text import plain
from chat.turns.variants import Undone, counted, listed

_WORDS = re.compile(r"\s+|[\w’']+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Run:
    """Words that two writings share, or that only one of them has."""

    text: str
    changed: bool


def goes(undone: Undone, *, interjections: bool = True) -> str:
    """What goes, counted, as the subject of a sentence; "" for nothing."""
    parts = [
        counted(len(undone.story_events), "story event"),
        counted(len(undone.memories), "memory", "memories"),
        counted(len(undone.relationships), "change of feeling", "changes of feeling"),
        counted(len(undone.interjections) if interjections else 0, "interjection"),
    ]
    return listed([part for part in parts if part])


def lines(undone: Undone, names: Mapping[int, str]) -> Iterator[str]:
    """What goes, each in a sentence; `names` by character, the player's under 0."""
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
