"""The built-in model, SmolLM2-135M: tiny, so it is asked to write a play on, one line at a time."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from chat.llm.errors import NoReaderError
from chat.llm.openai_compatible import OpenAICompatibleModel
from chat.llm.protocol import BUILTIN, Prompt, Style

#: One spoken line (GBNF): never empty, never a second speaker's cue, a list or a heading, and it ends as
#: sentences end. Sampling alone gave "Yes", lines without an end, and lines that went on as somebody else.
LINE = r"""root ::= " " [A-Z"'“‘] said{12,} [.!?…"”] "\n"
said ::= [^\n:;()<>{}|*#_=/\\[\]]
"""
#: Chosen by reading about a hundred lines under eight settings, in llama.cpp's terms. Its defaults were terse
#: ("Who did it."), 0.6 and 1.0 alike fell into "No, no, no", a repeat penalty of 1.15 led away from the scene
#: ("a jackrabbit", "Europe"); a mild one with DRY, which looks at runs of words, kept to it.
SAMPLING: dict[str, Any] = {
    "temperature": 0.8,
    "min_p": 0.08,
    "top_p": 1.0,
    "top_k": 0,
    "repeat_penalty": 1.05,
    "repeat_last_n": 256,
    "dry_multiplier": 0.8,
    "dry_allowed_length": 3,
}


@dataclass(kw_only=True)
class BuiltinModel(OpenAICompatibleModel):
    """The model of `chat.llm.builtin_server`, which speaks the same protocol as any other.

    What reads best is the page of a play, in English: the title in capitals, "A play in one act.", the scene
    in one or two sentences, the cast one to a line ("MARA, keeper of the light."), the last four cues or so as
    spoken words alone, some 35 words of each (`MARA: Find me the fog.`), and at the end the next speaker's name
    and a colon. With stage directions in the cues it writes more of those than speech and confuses he and she;
    with one long cue instead of four short ones it goes on about itself. Asked in its chat format it talks
    about the story instead of playing it, or speaks for the player.
    """

    name: str = BUILTIN
    style: Style = "script"
    prompt_tokens: int = 300
    reply_tokens: int = 50

    def body(self, prompt: Prompt) -> dict[str, Any]:
        """A request for one line; how lively the prompt wants it is not for a model this small."""
        capped = min(prompt.max_tokens, self.reply_tokens)
        return {**super().body(prompt), **SAMPLING, "grammar": LINE, "max_tokens": capped, "stop": ["\n"]}

    async def structured[T: BaseModel](self, prompt: Prompt, schema: type[T]) -> T:
        """Never: a model this small cannot answer in JSON that means anything."""
        raise NoReaderError
