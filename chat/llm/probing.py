"""Asks an endpoint whether it is there, by its models, and whether it works, by one token of the model in question."""

import time
from contextlib import aclosing, suppress
from http import HTTPStatus
from typing import Any

from chat.llm.errors import ModelError, ModelRefusedError
from chat.llm.protocol import LanguageModel, Message, Probe, Prompt
from chat.llm.wire import Wire

#: Names that an operator is shown when theirs is not among them.
OFFERED = 8


async def look(wire: Wire) -> None:
    """Return when the endpoint is there, by its list of models: no token is asked for. Raises ModelError."""
    try:
        await wire.get("/models", seconds=wire.patience.small_answer)
    except ModelRefusedError as error:
        # A server without the list is there all the same.
        if error.upstream_status != HTTPStatus.NOT_FOUND:
            raise


async def probe(wire: Wire, model: LanguageModel) -> Probe:
    """What came of it; never raises ModelError. A list alone proves nothing: some servers show it to anyone."""
    names: tuple[str, ...] = ()
    with suppress(ModelError):
        names = _names(await wire.get("/models", seconds=wire.patience.small_answer))
    begin = time.perf_counter()
    try:
        await _first_token(model)
    except ModelError as error:
        return Probe(ok=False, models=names, latency_ms=None, sentence=_ended(error.detail) + _offer(wire, names))
    latency = (time.perf_counter() - begin) * 1000
    sentence = f"{wire.name} at {wire.host} began to answer after {latency:.0f} ms."
    return Probe(ok=True, models=names, latency_ms=latency, sentence=sentence)


async def _first_token(model: LanguageModel) -> None:
    if model.style == "script":
        prompt = Prompt(script="ANNA: Are you there?\nBEN:", max_tokens=8)
    else:
        prompt = Prompt(messages=(Message(role="user", content="Say hello."),), max_tokens=8)
    async with aclosing(model.stream(prompt)) as items:
        await anext(items)


def _ended(sentence: str) -> str:
    """A server's own words may lack their full stop."""
    return sentence if sentence.endswith((".", "!", "?", "…")) else f"{sentence}."


def _names(answer: Any) -> tuple[str, ...]:
    try:
        return tuple(str(entry["id"]) for entry in answer["data"])
    except (KeyError, TypeError):
        return ()


def _offer(wire: Wire, names: tuple[str, ...]) -> str:
    """A hint for a misspelt name."""
    if not names or {wire.name, f"{wire.name}:latest"} & set(names):
        return ""
    shown = ", ".join(names[:OFFERED]) + (" …" if len(names) > OFFERED else "")
    return f" The server offers: {shown}."
