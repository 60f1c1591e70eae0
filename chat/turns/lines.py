"""Keeping a reply to its speaker's own lines while it streams.

A reply ends where it begins to speak for another (a cast name and a colon at the start of a line), and its own
name prefix is removed. Text is held back only while it could still turn out to be such a name.
"""

import re
from collections.abc import Sequence

#: What models put round a name: Markdown emphasis, brackets, a quotation's mark.
_BEFORE = r"[\s>*_\[(]*"
_AFTER = r"[\s*_\])]*"
_LINE_BREAK = re.compile(r"(\n)")
_SENTENCE_END = re.compile(r"[.!?…][\"”’'*_)\]]*(?=\s|$)|[”\"*](?=\s*$)")


class Lines:
    """Feed it what a model streams; what it gives back may be shown."""

    def __init__(self, speaker: str, others: Sequence[str]) -> None:
        self._names = [name.casefold() for name in (speaker, *others) if name]
        self._own = _prefix([speaker])
        self._foreign = _prefix([name for name in others if name.casefold() != speaker.casefold()])
        self._undecided = ""
        self._inside_line = False
        self._shown = ""
        #: True once the reply has begun to speak for another: ask for nothing more.
        self.over = False

    def feed(self, text: str) -> str:
        """More text from the model; what may be shown of it, and of what was held back, now."""
        if "\n" not in text:
            return self._show(self._take(text))
        return self._show("".join(self._take(piece) for piece in _LINE_BREAK.split(text)))

    def end(self, *, cut: bool = False) -> str:
        """No more text: the whole reply. `cut` when the model's cap ended it: back to its last whole sentence."""
        if not self.over:
            self._show(self._decide() or "")
        whole = self._shown.strip()
        return last_whole_sentence(whole) if cut else whole

    def _take(self, piece: str) -> str:
        """A line break, or a piece without one."""
        if self.over:
            return ""
        if piece == "\n":
            line = self._decide()
            self._inside_line = False
            return "" if line is None else line + "\n"
        if self._inside_line:
            return piece
        self._undecided += piece
        return "" if self._may_become_a_name() else self._decide() or ""

    def _show(self, text: str) -> str:
        if not self._shown:
            text = text.lstrip()
        self._shown += text
        return text

    def _decide(self) -> str | None:
        """What may be shown of the undecided text; None when it speaks for another."""
        line, self._undecided = self._undecided, ""
        self._inside_line = True
        while own := self._own.match(line):
            line = line[own.end() :]
        if self._foreign.match(line):
            self.over = True
            return None
        return line

    def _may_become_a_name(self) -> bool:
        line = self._undecided
        if self._foreign.match(line):
            return False
        if own := self._own.match(line):
            return not line[own.end() :].strip()
        word = re.sub(f"^{_BEFORE}", "", line).casefold()
        return any(name.startswith(word) or re.fullmatch(re.escape(name) + _AFTER, word) for name in self._names)


def plain(text: str) -> str:
    """A line of a story without the stars that mark its actions."""
    return text.replace("*", "")


def last_whole_sentence(text: str) -> str:
    """The text up to the end of its last whole sentence; all of it when it has none."""
    ends = [found.end() for found in _SENTENCE_END.finditer(text)]
    return text[: ends[-1]] if ends else text


def _prefix(names: Sequence[str]) -> re.Pattern[str]:
    if not names:
        return re.compile(r"(?!)")
    longest_first = sorted(names, key=len, reverse=True)
    return re.compile(rf"^{_BEFORE}(?:{'|'.join(map(re.escape, longest_first))}){_AFTER}:[*_\])]*\s*", re.IGNORECASE)
