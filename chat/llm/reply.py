"""Reads a streamed reply: bytes in, items out (server-sent events carrying OpenAI's chat or completion chunks).

Parsed here and not by the SDK: its typed chunks cost ten times as much, and a hundred replies share one core.
"""

from typing import Any

from pydantic_core import from_json

from chat.llm.errors import ModelError, ModelInterruptedError, ModelServerError
from chat.llm.failures import of_stream
from chat.llm.protocol import Delta, Finish, Thinking
from chat.llm.thinking import ThinkSplitter


class ReplyReader:
    """One reply, as it comes in."""

    def __init__(self, *, key: str) -> None:
        #: True after `[DONE]`, and after an error object.
        self.done = False
        #: The server's finish reason, as soon as it is known.
        self.reason = ""
        self._key = key
        self._rest = b""
        self._data: list[bytes] = []
        self._answered = False
        self._failure: ModelError | None = None
        self._usage: dict[str, Any] = {}
        self._splitter = ThinkSplitter()

    def feed(self, received: bytes) -> list[Delta | Thinking]:
        """The items that are complete with these bytes."""
        items: list[Delta | Thinking] = []
        # Whole lines only: a packet may end inside a letter or between CR and LF.
        *lines, self._rest = (self._rest + received).split(b"\n")
        for raw in lines:
            line = raw.removesuffix(b"\r")
            if line.startswith(b"data:"):
                self._data.append(line[5:])
            elif not line and self._data and not self.done:
                self._event(items)
        return items

    def close(self) -> list[Delta | Thinking]:
        """The last items, when no more bytes will come; some servers leave out the last empty line."""
        return [*self.feed(b"\n\n"), *self._splitter.flush()]

    def finish(self) -> Finish:
        """How the reply ended; raises what went wrong, ModelInterruptedError when the server never said."""
        if self._failure:
            raise self._failure
        if not self._answered:
            raise ModelServerError("The model's server did not answer with a stream.")
        if not self.reason:
            raise ModelInterruptedError
        tokens = self._usage.get
        return Finish(self.reason, tokens("prompt_tokens"), tokens("completion_tokens"))

    def _event(self, items: list[Delta | Thinking]) -> None:
        data = b"\n".join(self._data).strip()
        self._data.clear()
        self._answered = True
        if data.startswith(b"[DONE]"):
            self.done = True
            return
        try:
            self._chunk(from_json(data), items)
        except (ValueError, AttributeError, TypeError):
            self._fail(ModelServerError("The model's server sent something that is not a piece of a reply."))

    def _chunk(self, chunk: dict[str, Any], items: list[Delta | Thinking]) -> None:
        if error := chunk.get("error"):
            self._fail(of_stream(error, key=self._key))
        self._usage = chunk.get("usage") or self._usage
        for choice in chunk.get("choices") or ():
            self._choice(choice, items)

    def _fail(self, failure: ModelError) -> None:
        # Raised by `finish`, after what was said before it has been handed on.
        self._failure, self.done = failure, True

    def _choice(self, choice: dict[str, Any], items: list[Delta | Thinking]) -> None:
        delta = choice.get("delta") or choice
        # Ollama and OpenRouter say `reasoning`, llama.cpp and vLLM `reasoning_content`.
        if thought := delta.get("reasoning_content") or delta.get("reasoning"):
            items.append(Thinking(thought))
        if said := delta.get("content") or choice.get("text"):
            items.extend(self._splitter.feed(said))
        if reason := choice.get("finish_reason"):
            self.reason = reason
