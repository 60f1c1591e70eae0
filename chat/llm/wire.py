"""The wire to one model at one address: requests out, answers and open streams back, failures translated."""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx2
from openai import APIConnectionError, AsyncStream

from chat.llm.connections import shared_client
from chat.llm.endpoint import Endpoint, endpoint
from chat.llm.errors import ModelRequestError
from chat.llm.failures import as_model_errors, hung_up

#: Ask the SDK for the open response itself; it then neither parses nor closes it.
_OPEN: dict[str, Any] = {
    "cast_to": httpx2.Response,
    "stream": True,
    "stream_cls": AsyncStream[object],
    # The packets are read as they come off the wire, where a compressing proxy would also hold them back.
    "options": {"headers": {"Accept-Encoding": "identity"}},
}
#: Ask the SDK for the answer as plain values.
_WHOLE: dict[str, Any] = {"cast_to": object}


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long to wait, in seconds."""

    connect: float = 5.0
    #: From the request to the first token, whatever headers and keep-alive comments come before it.
    first_token: float = 120.0
    between_tokens: float = 30.0
    #: After the finish reason: for the usage and `[DONE]`, which some servers never send.
    after_finish: float = 1.0
    #: After `[DONE]`: for the end of the body, without which the connection could not be used again.
    last_bytes: float = 0.1
    #: For an answer that is not streamed.
    whole_answer: float = 120.0
    #: For a count of tokens, or the list of models.
    small_answer: float = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Wire:
    """How to reach a model. Every method raises `chat.llm.errors.ModelError`."""

    url: str
    name: str
    key: str = field(default="", repr=False)
    patience: Patience = field(default_factory=Patience, repr=False)

    @property
    def endpoint(self) -> Endpoint:
        """What this process has learnt about the model's server."""
        return endpoint(self.url, self.name)

    @property
    def host(self) -> str:
        """Host and port, for people; an address may hold a password."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname or self.url

    @property
    def root(self) -> str:
        """Where llama.cpp and vLLM keep what OpenAI does not have: beside `/v1`."""
        return self.url.rstrip("/").removesuffix("/v1")

    async def open(self, path: str, body: dict[str, Any], *, seconds: float) -> httpx2.Response:
        """Begin a stream and return its response, unread, once the headers are here; the caller closes it."""
        streamed = {**body, "stream": True, "stream_options": {"include_usage": True}}
        response: httpx2.Response = await self._post(path, streamed, seconds=seconds, how=_OPEN)
        return response

    async def ask(self, path: str, body: dict[str, Any], *, seconds: float) -> Any:
        """Ask for a whole answer: the JSON, or text where the server sends no JSON."""
        return await self._post(path, body, seconds=seconds, how=_WHOLE)

    async def get(self, path: str, *, seconds: float) -> Any:
        """Read something: the JSON, or text where the server sends no JSON."""
        with as_model_errors(key=self.key):
            async with asyncio.timeout(seconds):
                client = await shared_client(self.url, self.key, connect_seconds=self.patience.connect)
                return await client.get(path, cast_to=object)

    async def _post(self, path: str, body: dict[str, Any], *, seconds: float, how: dict[str, Any]) -> Any:
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            try:
                with as_model_errors(key=self.key):
                    async with asyncio.timeout_at(deadline):
                        return await self._send(path, self.endpoint.shape(body), how)
            except ModelRequestError as error:
                # Each lesson leaves out one more parameter, so this ends.
                if not self.endpoint.learn(error):
                    raise

    async def _send(self, path: str, body: dict[str, Any], how: dict[str, Any], *, again: int = 2) -> Any:
        client = await shared_client(self.url, self.key, connect_seconds=self.patience.connect)
        try:
            return await client.post(path, body=body, **how)
        except APIConnectionError as error:
            # llama.cpp closes a connection after a stream without a word, often just when it is used again.
            if not again or not hung_up(error):
                raise
        return await self._send(path, body, how, again=again - 1)
