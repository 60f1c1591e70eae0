"""Takes a leading `<think>…</think>` block out of a reply, however it is cut into pieces."""

from chat.llm.protocol import Delta, Thinking

OPEN, CLOSE = "<think>", "</think>"


class ThinkSplitter:
    """Fed a reply's pieces in order; tells what was thought from what was said."""

    def __init__(self) -> None:
        self._held = ""
        self._state = self._beginning

    def feed(self, text: str) -> list[Delta | Thinking]:
        """What is known of the reply now that `text` has come."""
        return self._state(text)

    def flush(self) -> list[Delta | Thinking]:
        """What was held back, at the reply's end."""
        held, self._held = self._held, ""
        if not held:
            return []
        return [Thinking(held) if self._state == self._thinking else Delta(held)]

    def _beginning(self, text: str) -> list[Delta | Thinking]:
        self._held += text
        opening = self._held.lstrip()
        if opening.startswith(OPEN):
            self._held, self._state = "", self._thinking
            return self._thinking(opening.removeprefix(OPEN))
        if OPEN.startswith(opening):
            return []
        said, self._held, self._state = self._held, "", self._speaking
        return [Delta(said)]

    def _thinking(self, text: str) -> list[Delta | Thinking]:
        thought, closed, said = (self._held + text).partition(CLOSE)
        if closed:
            self._held, self._state = "", self._after
            return [*([Thinking(thought)] if thought else []), *self._after(said)]
        keep = _overlap(thought)
        self._held = thought[len(thought) - keep :]
        thought = thought[: len(thought) - keep]
        return [Thinking(thought)] if thought else []

    def _after(self, text: str) -> list[Delta | Thinking]:
        said = text.lstrip()
        if not said:
            return []
        self._state = self._speaking
        return [Delta(said)]

    def _speaking(self, text: str) -> list[Delta | Thinking]:
        return [Delta(text)]


def _overlap(text: str) -> int:
    """How many of the last letters of `text` may be the beginning of the closing tag."""
    return next((size for size in range(len(CLOSE) - 1, 0, -1) if text.endswith(CLOSE[:size])), 0)
