"""The built-in model, SmolLM2-135M: tiny, so it is asked to write a play on, one line at a time."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from chat.llm.errors import NoReaderError
from chat.llm.openai_compatible import OpenAICompatibleModel
from chat.llm.protocol import Prompt, Style

#: What `PALIMPSEST_MODEL` says for the built-in model.
BUILTIN = "builtin"


@dataclass(kw_only=True)
class BuiltinModel(OpenAICompatibleModel):
    """The model of `chat.llm.builtin_server`, which speaks the same protocol as any other."""

    name: str = BUILTIN
    style: Style = "script"
    prompt_tokens: int = 300
    reply_tokens: int = 50

    def body(self, prompt: Prompt) -> dict[str, Any]:
        """A request that ends with the line, in llama.cpp's own words where OpenAI has none."""
        body = super().body(prompt)
        body["max_tokens"] = min(prompt.max_tokens, self.reply_tokens)
        body["stop"] = ["\n", *prompt.stop]
        return body

    async def structured[T: BaseModel](self, prompt: Prompt, schema: type[T]) -> T:
        """Never: a model this small cannot answer in JSON that means anything."""
        raise NoReaderError
