"""A short piece of a text round the words that were looked for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

LENGTH = 160
BEFORE = 50


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text, and whether it is one of the words."""

    text: str
    found: bool


def snippet(text: str, words: Sequence[str]) -> tuple[Piece, ...]:
    """About 160 characters of one line, beginning shortly before the first word that is found."""
    line = " ".join(text.split())
    pattern = re.compile(rf"\b({'|'.join(re.escape(word) for word in words)})", re.IGNORECASE)
    match = pattern.search(line)
    begin = max(0, match.start() - BEFORE) if match else 0
    begin = 0 if begin == 0 else line.find(" ", begin) + 1
    end = len(line) if len(line) <= begin + LENGTH else max(line.rfind(" ", begin, begin + LENGTH), begin + BEFORE)
    shown = f"{'… ' if begin else ''}{line[begin:end]}{' …' if end < len(line) else ''}"
    # Every second part of a split by a group is what the group matched.
    return tuple(Piece(part, found=number % 2 == 1) for number, part in enumerate(pattern.split(shown)) if part)
