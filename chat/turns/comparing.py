"""How two writings differ, word by word."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

_WORDS = re.compile(r"\s+|[\w’']+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Run:
    """Words that two writings share, or that only one of them has."""

    text: str
    changed: bool


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
