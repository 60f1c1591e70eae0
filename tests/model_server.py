"""A scripted OpenAI-compatible model server over real HTTP; it says, stalls, drops and refuses as told.

In a test:

    with ScriptedModelServer() as server:
        server.script(say("Good evening."), rate_limited(retry_after=7))
        ...  # each request to a model uses up one behaviour; after that `server.default` answers
        assert server.wait_for_request(1).body["stream"] is True

By hand: python -m tests.model_server --port 9000 --tokens-per-second 30
"""

import argparse
import asyncio
import contextlib
import json
import sys
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self

from chat.llm.endpoint import endpoint
from tests.model_behaviours import (
    Behaviour,
    Exchange,
    answer_json,
    drop,
    error_in_stream,
    hang_up,
    nothing,
    rate_limited,
    reasoning,
    refused,
    say,
    server_error,
    split_bytes,
    stall,
    talk_on,
    without_done,
)

__all__ = [
    "Behaviour",
    "Exchange",
    "ScriptedModelServer",
    "SeenRequest",
    "answer_json",
    "drop",
    "error_in_stream",
    "hang_up",
    "nothing",
    "rate_limited",
    "reasoning",
    "refused",
    "say",
    "server_error",
    "split_bytes",
    "stall",
    "talk_on",
    "without_done",
]

PATIENCE = 10.0


@dataclass
class SeenRequest:
    """One request as it arrived. The key is never kept, only whether it was a bearer token."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    arrived_at: float = field(default_factory=time.time)
    #: Set when the client hung up before it had the whole answer.
    disconnected: threading.Event = field(default_factory=threading.Event)
    #: Set when the whole answer was written.
    answered: threading.Event = field(default_factory=threading.Event)

    @property
    def prompt_text(self) -> str:
        """All that the model was told, as one text."""
        if "prompt" in self.body:
            return str(self.body["prompt"])
        return "\n".join(message["content"] for message in self.body["messages"])


class ScriptedModelServer:
    """The server, in a thread of its own; a context manager."""

    def __init__(
        self,
        *,
        default: Behaviour | None = None,
        models: tuple[str, ...] = ("scripted",),
        tokenizer: Callable[[str], int] | None = None,
        port: int = 0,
    ) -> None:
        self.default = default or say("I hear you.")
        #: What `/v1/models` lists; None for a server without the list.
        self.models: tuple[str, ...] | None = models
        #: Tokens of a text, for `/tokenize`; None for a server without it.
        self.tokenizer = tokenizer
        self.port = port
        #: Answers to questions in JSON by the name of their form; they use up nothing of the script.
        self.answers: dict[str, Behaviour] = {}
        #: Requests to a model, in order of arrival.
        self.requests: list[SeenRequest] = []
        #: Requests to `/v1/models`, `/tokenize` and elsewhere.
        self.other_requests: list[SeenRequest] = []
        #: Set when any client hung up before it had its whole answer.
        self.disconnected = threading.Event()
        self.connections_made = 0
        self._script: deque[Behaviour] = deque()
        self._arrival = threading.Condition()
        self._up = threading.Event()
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """What goes into PALIMPSEST_MODEL_URL."""
        return f"{self.root}/v1"

    def script(self, *behaviours: Behaviour) -> None:
        """Queue behaviours, one for each coming request to a model."""
        self._script.extend(behaviours)

    def forget(self) -> None:
        """Drop what was queued and not asked for."""
        self._script.clear()

    def wait_for_request(self, number: int = 1, *, timeout: float = PATIENCE) -> SeenRequest:
        """The `number`th request to a model (the first is 1), as soon as it is here."""
        with self._arrival:
            if not self._arrival.wait_for(lambda: len(self.requests) >= number, timeout):
                raise TimeoutError(f"Only {len(self.requests)} of {number} requests came within {timeout} s.")
            return self.requests[number - 1]

    def wait_for_disconnect(self, *, timeout: float = PATIENCE) -> None:
        """Return as soon as some client has hung up on an unfinished answer."""
        if not self.disconnected.wait(timeout):
            raise TimeoutError(f"No client hung up within {timeout} s.")

    # --- Life ------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, name="scripted-model-server", daemon=True)
        self._thread.start()
        assert self._up.wait(PATIENCE), "The scripted model server did not start."
        # The port may be one that another test's server had: what was learnt of that one is not true of this.
        endpoint.cache_clear()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE)
        self._up.clear()

    def _run(self) -> None:
        asyncio.run(self.serve())

    async def serve(self) -> None:
        """Serve until told to stop; in the caller's loop."""
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, backlog=1000)
        self.port = server.sockets[0].getsockname()[1]
        self._up.set()
        await self._stop.wait()
        server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    # --- HTTP ------------------------------------------------------------------------------------------

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        self.connections_made += 1
        # A reset, a half-sent request or our own shutdown ends one connection and concerns nobody else.
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while request := await _read_request(reader):
                if not await self._answer(request, reader, writer):
                    break
        self._connections.discard(task)
        writer.close()

    async def _answer(self, request: SeenRequest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False when the connection is spent."""
        exchange = Exchange(body=request.body if isinstance(request.body, dict) else {}, writer=writer)
        answer = asyncio.ensure_future(self._behave(request, exchange))
        hang_up = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({answer, hang_up}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                request.disconnected.set()
                self.disconnected.set()
                return False
            request.answered.set()
            return answer.result() is None and not writer.is_closing()
        finally:
            for task in (answer, hang_up):
                task.cancel()
            await asyncio.gather(answer, hang_up, return_exceptions=True)

    def _behave(self, request: SeenRequest, exchange: Exchange) -> Awaitable[None]:
        if request.path.endswith("/completions"):
            if (answer := self.answers.get(_form_of(request.body))) is not None:
                self.other_requests.append(request)
                return answer(exchange)
            behaviour = self._script.popleft() if self._script else self.default
            with self._arrival:
                self.requests.append(request)
                self._arrival.notify_all()
            return behaviour(exchange)
        self.other_requests.append(request)
        if request.path == "/v1/models" and self.models is not None:
            listed = [{"id": name, "object": "model"} for name in self.models]
            return exchange.json({"object": "list", "data": listed})
        if request.path == "/tokenize" and self.tokenizer is not None:
            return exchange.json({"tokens": list(range(self.tokenizer(request.body["content"])))})
        return exchange.json({"error": {"message": "There is no such page here."}}, status=404)


def _form_of(body: Any) -> str:
    form = body.get("response_format") or {} if isinstance(body, dict) else {}
    return str(form.get("json_schema", {}).get("name", ""))


async def _read_request(reader: asyncio.StreamReader) -> SeenRequest | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = dict(_headers(lines))
    raw = await reader.readexactly(int(headers.get("content-length", "0")))
    return SeenRequest(method=method, path=path, headers=headers, body=json.loads(raw) if raw else None)


def _headers(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in filter(None, lines):
        name, _, value = line.partition(":")
        shown = value.strip() if name.lower() != "authorization" else f"{value.split()[0]} (kept out)"
        yield name.lower(), shown


def main() -> None:
    """Serve one endless story until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.model_server", description=main.__doc__)
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--tokens-per-second", type=float, default=30.0)
    parser.add_argument("--tokens", type=int, default=120, help="tokens of a reply")
    parser.add_argument("--first-token-ms", type=float, default=0.0, help="wait before a reply begins")
    parser.add_argument("--stamp", action="store_true", help="each token is '@<unix time of its sending> '")
    options = parser.parse_args()
    behaviour = talk_on(
        tokens=options.tokens,
        per_second=options.tokens_per_second,
        first_after=options.first_token_ms / 1000,
        stamp=options.stamp,
    )
    server = ScriptedModelServer(default=behaviour, port=options.port)
    sys.stdout.write(f"a scripted model on {server.url} (any model name, any key)\n")
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(server.serve())


if __name__ == "__main__":
    main()
