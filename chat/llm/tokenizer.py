"""Counts tokens with the endpoint's own tokenizer where it offers one, else by the stated estimate."""

import asyncio
import time
from collections.abc import Sequence

from chat.llm.errors import ModelError
from chat.llm.protocol import estimate_tokens
from chat.llm.wire import Wire

#: Seconds until a tokenizer that failed, as opposed to one that does not exist, is asked again.
RETRY_AFTER = 60.0
AT_ONCE = 8


async def count_tokens(wire: Wire, texts: Sequence[str]) -> list[int]:
    """Tokens of each text, in order; never raises ModelError."""
    memory = wire.endpoint
    unknown = [text for text in dict.fromkeys(texts) if text and text not in memory.counts]
    if unknown and await _ask_about(wire, unknown[:1]):
        await _ask_about(wire, unknown[1:])
    counted = []
    for text in texts:
        if text in memory.counts:
            memory.counts.move_to_end(text)
        counted.append(memory.counts.get(text, estimate_tokens(text)))
    return counted


async def _ask_about(wire: Wire, texts: Sequence[str]) -> bool:
    """Put the texts' counts into the endpoint's memory; False when it has no working tokenizer."""
    begin = wire.endpoint.tokenizer_from
    if begin is None or time.monotonic() < begin:
        return False
    turnstile = asyncio.Semaphore(AT_ONCE)

    async def ask(text: str) -> None:
        async with turnstile:
            # llama.cpp reads `content`, vLLM `model` and `prompt`; each overlooks the other's.
            body = {"content": text, "prompt": text, "model": wire.name, "add_special_tokens": False}
            answer = await wire.ask(f"{wire.root}/tokenize", body, seconds=wire.patience.small_answer)
        wire.endpoint.remember_count(text, len(answer["tokens"]))

    try:
        await asyncio.gather(*(ask(text) for text in texts))
    except ModelError as error:
        wire.endpoint.tokenizer_from = time.monotonic() + RETRY_AFTER if error.transient else None
        return False
    except (KeyError, TypeError):
        # A page that answers 200 to everything is no tokenizer.
        wire.endpoint.tokenizer_from = None
        return False
    return True
