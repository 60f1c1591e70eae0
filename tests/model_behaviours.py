"""How the scripted model server can behave; each function gives one for `ScriptedModelServer.script`."""

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

type Behaviour = Callable[[Exchange], Awaitable[None]]

TALE = """
The lamp gutters, and for a moment nobody speaks. Rain works at the shutters like a thief with time to
spare. She turns the letter over, once, and sets it down where both of them can see the broken seal.
"You knew," she says, "and you let me cross the water anyway." Somewhere below a door closes softly.
"""
STORY = TALE.split()


@dataclass
class Exchange:
    """One request that is being answered."""

    body: dict[str, Any]
    writer: asyncio.StreamWriter

    @property
    def streaming(self) -> bool:
        return bool(self.body.get("stream"))

    async def json(self, value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """A whole answer."""
        raw = json.dumps(value, ensure_ascii=False).encode()
        fields = {"Content-Type": "application/json", "Content-Length": str(len(raw)), **(headers or {})}
        self._head(status, fields)
        self.writer.write(raw)
        await self.writer.drain()

    def begin(self) -> None:
        """The head of a stream of events."""
        self._head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})

    def raw(self, data: bytes) -> None:
        """Bytes of the stream, as one packet."""
        self.writer.write(b"%x\r\n%b\r\n" % (len(data), data))

    def event(self, value: Any) -> None:
        self.raw(b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n")

    def piece(self, text: str) -> None:
        """The next piece of the reply, as a chat or as a completion, whichever was asked for."""
        self.event(self.choice(content=text))

    def choice(self, *, finish: str | None = None, **delta: str) -> dict[str, Any]:
        """One event of a stream: a chat's delta, or the same as a completion's text."""
        said = {"delta": delta} if "messages" in self.body else {"text": delta.get("content", "")}
        return {"model": self.body.get("model"), "choices": [{"index": 0, **said, "finish_reason": finish}]}

    def finish(self, reason: str = "stop", *, tokens: int = 0, done: bool = True) -> None:
        """The end of a good stream: the reason, the usage if it was asked for, and `[DONE]`."""
        self.event(self.choice(finish=reason))
        if (self.body.get("stream_options") or {}).get("include_usage"):
            self.event({"choices": [], "usage": _usage(tokens)})
        if done:
            self.raw(b"data: [DONE]\n\n")
        self.end()

    def end(self) -> None:
        """The end of the answer's body."""
        self.writer.write(b"0\r\n\r\n")

    def _head(self, status: int, fields: dict[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in fields.items())]
        self.writer.write("\r\n".join([*lines, "", ""]).encode())


# --- Replies ---------------------------------------------------------------------------------------------


def say(
    text: str,
    *,
    chunk: int | None = None,
    delay: float = 0.0,
    gate: threading.Event | None = None,
    reason: str = "stop",
) -> Behaviour:
    """A good reply, in pieces of `chunk` characters (default: words), `delay` seconds apart.

    With a `gate`, the first piece goes out at once and the rest when the gate is set. A request that does not
    ask for a stream gets the text whole.
    """

    async def behave(exchange: Exchange) -> None:
        pieces = _pieces(text, chunk)
        if not exchange.streaming:
            await exchange.json(_whole(exchange, text, reason, len(pieces)))
            return
        exchange.begin()
        for number, piece in enumerate(pieces):
            if number:
                await _pause(delay, gate)
            exchange.piece(piece)
            await exchange.writer.drain()
        exchange.finish(reason, tokens=len(pieces))

    return behave


def answer_json(value: Any) -> Behaviour:
    """A structured answer."""
    return say(json.dumps(value, ensure_ascii=False))


def reasoning(text: str, *, field: str = "reasoning_content", thoughts: str = "Let me think. ") -> Behaviour:
    """A reply that thinks first, in `reasoning` (Ollama) or `reasoning_content` (llama.cpp, vLLM)."""

    async def behave(exchange: Exchange) -> None:
        exchange.begin()
        for piece in _pieces(thoughts, None):
            exchange.event(exchange.choice(**{field: piece}))
        for piece in _pieces(text, None):
            exchange.piece(piece)
        exchange.finish(tokens=9)

    return behave


def without_done(text: str) -> Behaviour:
    """A good reply whose server forgets `[DONE]`."""

    async def behave(exchange: Exchange) -> None:
        exchange.begin()
        for piece in _pieces(text, None):
            exchange.piece(piece)
        exchange.finish(done=False)

    return behave


def split_bytes(text: str, *, pause: float = 0.003) -> Behaviour:
    """A good reply with CRLF lines and comments, cut inside each UTF-8 letter and between each CR and LF."""

    async def behave(exchange: Exchange) -> None:
        exchange.begin()
        choices = [exchange.choice(content=piece) for piece in _pieces(text, 3)]
        choices.append(exchange.choice(finish="stop"))
        for event in [*(json.dumps(choice, ensure_ascii=False) for choice in choices), "[DONE]"]:
            packet = b""
            for byte in f": still here\r\n\r\ndata: {event}\r\n\r\n".encode():
                packet += bytes([byte])
                if byte >= 0x80 or byte == 0x0D:
                    exchange.raw(packet)
                    packet = b""
                    # Long enough for the packet to be read alone.
                    await asyncio.sleep(pause)
            exchange.raw(packet)
        exchange.end()

    return behave


def talk_on(*, tokens: int, per_second: float, first_after: float = 0.0, stamp: bool = False) -> Behaviour:
    """A reply of `tokens` tokens at a steady pace, for benchmarks and for playing by hand."""

    async def behave(exchange: Exchange) -> None:
        if not exchange.streaming:
            await exchange.json(_whole(exchange, "{}", "stop", 1))
            return
        exchange.begin()
        start = time.monotonic() + first_after
        for number in range(min(tokens, exchange.body.get("max_tokens") or tokens)):
            await asyncio.sleep(start + number / per_second - time.monotonic())
            word = f"@{time.time():.6f} " if stamp else f"{STORY[number % len(STORY)]} "
            exchange.piece(word)
        exchange.finish(tokens=tokens)

    return behave


# --- Trouble ---------------------------------------------------------------------------------------------


def stall(*, after: int = 0, text: str = "one two three four five six") -> Behaviour:
    """`after` words of a reply, then silence on an open connection."""

    async def behave(exchange: Exchange) -> None:
        exchange.begin()
        for piece in _pieces(text, None)[:after]:
            exchange.piece(piece)
        await asyncio.Event().wait()

    return behave


def drop(*, after: int = 0, text: str = "one two three four five six") -> Behaviour:
    """`after` words of a reply, then the connection is closed."""

    async def behave(exchange: Exchange) -> None:
        exchange.begin()
        for piece in _pieces(text, None)[:after]:
            exchange.piece(piece)
        await exchange.writer.drain()
        exchange.writer.close()

    return behave


def error_in_stream(message: str = "the engine died", *, after: int = 1) -> Behaviour:
    """A 200 stream that carries an error object after some words."""

    async def behave(exchange: Exchange) -> None:
        exchange.begin()
        for piece in _pieces("one two three four", None)[:after]:
            exchange.piece(piece)
        exchange.event({"error": {"message": message, "code": 500}})
        exchange.raw(b"data: [DONE]\n\n")
        exchange.end()

    return behave


def nothing() -> Behaviour:
    """The connection is accepted, and never answered."""

    async def behave(_: Exchange) -> None:
        await asyncio.Event().wait()

    return behave


def hang_up() -> Behaviour:
    """The connection is closed without an answer, as one that was kept too long."""

    async def behave(exchange: Exchange) -> None:
        exchange.writer.close()

    return behave


def refused(status: int, message: str = "no", **error: Any) -> Behaviour:
    """An HTTP error, with an error object such as OpenAI's; more of its fields by name (`param=…`)."""

    async def behave(exchange: Exchange) -> None:
        await exchange.json({"error": {"message": message, **error}}, status=status)

    return behave


def rate_limited(retry_after: float | str | None = 1) -> Behaviour:
    """429, with Retry-After unless it is None."""

    async def behave(exchange: Exchange) -> None:
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        await exchange.json({"error": {"message": "slow down"}}, status=429, headers=headers)

    return behave


def server_error(status: int = 500) -> Behaviour:
    """500, or another 5xx."""
    return refused(status, "internal error")


def _pieces(text: str, chunk: int | None) -> Sequence[str]:
    if chunk:
        return [text[start : start + chunk] for start in range(0, len(text), chunk)]
    return [word for word in text.replace(" ", " \0").split("\0") if word]


async def _pause(delay: float, gate: threading.Event | None) -> None:
    if delay:
        await asyncio.sleep(delay)
    while gate is not None and not gate.is_set():  # noqa: ASYNC110 (the gate belongs to another thread)
        await asyncio.sleep(0.003)


def _whole(exchange: Exchange, text: str, reason: str, tokens: int) -> dict[str, Any]:
    chat = "messages" in exchange.body
    said = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
    return {"choices": [{"index": 0, **said, "finish_reason": reason}], "usage": _usage(tokens)}


def _usage(tokens: int) -> dict[str, int]:
    return {"prompt_tokens": 10, "completion_tokens": tokens, "total_tokens": 10 + tokens}
