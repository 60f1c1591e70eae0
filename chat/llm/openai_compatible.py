"""One client for every OpenAI-compatible server: OpenAI, Ollama, llama.cpp, vLLM, LM Studio, OpenRouter and so on."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import httpx2
from pydantic import BaseModel

from chat.llm.deadline import Deadline
from chat.llm.endpoint import MAX_STOPS
from chat.llm.failures import of_reading
from chat.llm.probing import look, probe
from chat.llm.protocol import Probe, Prompt, StreamItem, Style
from chat.llm.reply import ReplyReader
from chat.llm.structured import ask_for
from chat.llm.tokenizer import count_tokens
from chat.llm.wire import Patience, Wire

__all__ = ["OpenAICompatibleModel", "Patience"]


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
        path = "/chat/completions" if prompt.messages else "/completions"
        with Deadline(self.patience.first_token) as deadline:
            response = await self._wire.open(path, self.body(prompt), seconds=self.patience.first_token)
            reply, packets = ReplyReader(key=self.key), aiter(cast("httpx2.AsyncByteStream", response.stream))
            try:
                while not reply.done:
                    packet = await self._read(packets, deadline, whole=bool(reply.reason))
                    if packet is None:
                        break
                    items = reply.feed(packet)
                    for item in items:
                        yield item
                    if reply.reason:
                        deadline.put_off(self.patience.after_finish)
                    elif items:
                        deadline.put_off(self.patience.between_tokens)
                for item in reply.close():
                    yield item
                yield reply.finish()
                deadline.put_off(self.patience.last_bytes)
                await self._read(packets, deadline, whole=True)
            finally:
                await response.aclose()

    async def structured[T: BaseModel](self, prompt: Prompt, schema: type[T]) -> T:
        """The answer as a validated `schema`; see `chat.llm.structured`."""
        return await ask_for(schema, self._wire, self.body(prompt))

    async def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text; see `chat.llm.tokenizer`."""
        return await count_tokens(self._wire, texts)

    async def look(self) -> None:
        """Return when the endpoint is there; see `chat.llm.probing`."""
        await look(self._wire)

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

    async def _read(self, packets: Any, deadline: Deadline, *, whole: bool) -> bytes | None:
        """The next bytes; whatever befalls the connection of a `whole` reply is only its end."""
        try:
            return await deadline.read(packets)
        except (TimeoutError, httpx2.HTTPError) as error:
            if whole:
                return None
            raise of_reading(error) from None
