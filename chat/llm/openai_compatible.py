"""One client for every OpenAI-compatible server: OpenAI, Ollama, llama.cpp, vLLM, LM Studio, OpenRouter and so on."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from chat.llm.endpoint import MAX_STOPS
from chat.llm.errors import ModelError
from chat.llm.probing import probe
from chat.llm.protocol import Probe, Prompt, StreamItem, Style
from chat.llm.reply import ReplyReader
from chat.llm.structured import ask_for
from chat.llm.tokenizer import count_tokens
from chat.llm.wire import Patience, Wire

__all__ = ["OpenAICompatibleModel", "Patience"]

#: Seconds to wait for the last bytes of a finished stream, so that its connection can be used again.
DRAIN_SECONDS = 0.1


@dataclass(kw_only=True)
class OpenAICompatibleModel:
    """A model at an OpenAI-compatible address. Cheap to make: connections and lessons learnt are shared."""

    url: str
    name: str
    key: str = field(default="", repr=False)
    prompt_tokens: int = 6000
    reply_tokens: int = 500
    style: Style = "chat"
    patience: Patience = field(default_factory=Patience, repr=False)

    async def stream(self, prompt: Prompt) -> AsyncGenerator[StreamItem]:
        """The reply in pieces, `Finish` last; closing the generator closes the connection at once."""
        wire, reply, clock = self._wire, ReplyReader(key=self.key), asyncio.get_running_loop().time
        deadline = clock() + self.patience.first_token
        path = "/chat/completions" if prompt.messages else "/completions"
        response = await wire.open(path, self.body(prompt), deadline=deadline)
        try:
            packets = response.aiter_bytes()
            while not reply.done:
                packet = await self._receive(wire, packets, deadline=deadline, whole=bool(reply.reason))
                if packet is None:
                    break
                items = reply.feed(packet)
                for item in items:
                    yield item
                if reply.reason:
                    deadline = min(deadline, clock() + self.patience.after_finish)
                elif items:
                    deadline = clock() + self.patience.between_tokens
            for item in reply.close():
                yield item
            yield reply.finish()
            with contextlib.suppress(ModelError):
                await wire.receive(packets, deadline=clock() + DRAIN_SECONDS)
        finally:
            await response.aclose()

    async def structured[T: BaseModel](self, prompt: Prompt, schema: type[T]) -> T:
        """The answer as a validated `schema`; see `chat.llm.structured`."""
        return await ask_for(schema, self._wire, self.body(prompt))

    async def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text; see `chat.llm.tokenizer`."""
        return await count_tokens(self._wire, texts)

    async def probe(self) -> Probe:
        """Whether the endpoint works, for the operators' Test button."""
        return await probe(self._wire, self)

    def body(self, prompt: Prompt) -> dict[str, Any]:
        """The request that the server is sent."""
        body: dict[str, Any] = {
            "model": self.name,
            "max_tokens": prompt.max_tokens,
            "temperature": prompt.temperature,
        }
        if prompt.messages:
            body["messages"] = [{"role": said.role, "content": said.content} for said in prompt.messages]
        else:
            body["prompt"] = prompt.script
        if prompt.stop:
            body["stop"] = list(prompt.stop[:MAX_STOPS])
        return body

    @property
    def _wire(self) -> Wire:
        return Wire(url=self.url, name=self.name, key=self.key, patience=self.patience)

    @staticmethod
    async def _receive(wire: Wire, packets: Any, *, deadline: float, whole: bool) -> bytes | None:
        """The next bytes; whatever befalls the connection of a `whole` reply is only its end."""
        try:
            return await wire.receive(packets, deadline=deadline)
        except ModelError:
            if whole:
                return None
            raise
