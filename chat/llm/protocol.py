"""What is said to a model and what comes back, whatever server it runs on."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from pydantic import BaseModel

type Style = Literal["chat", "script"]

#: What `PALIMPSEST_MODEL` says for the built-in model.
BUILTIN = "builtin"


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One message of a chat prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """What a model is asked; exactly one of `messages` and `script` is filled."""

    messages: tuple[Message, ...] = ()
    #: For a model that is asked to write a play on (`/v1/completions`).
    script: str = ""
    #: The reply ends before any of these. Hosted servers take four; see `openai_compatible.MAX_STOPS`.
    stop: tuple[str, ...] = ()
    max_tokens: int
    temperature: float = 0.9

    def __post_init__(self) -> None:
        if bool(self.messages) == bool(self.script):
            raise ValueError("A prompt has either messages or a script.")

    def as_json(self) -> dict[str, Any]:
        """What was asked, for keeping: plain values, without the unused one of `messages` and `script`."""
        fields = asdict(self)
        fields["messages"] = list(fields["messages"])
        fields["stop"] = list(self.stop)
        del fields["script" if self.messages else "messages"]
        return fields


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of the reply."""

    text: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """The next piece of what the model thinks before it replies; never shown as the reply."""

    text: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The last item of a good stream. `reason` is the server's: "stop", "length" (cut by the cap) ..."""

    reason: str
    prompt_tokens: int | None
    completion_tokens: int | None


type StreamItem = Delta | Thinking | Finish


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """What came of asking an endpoint whether it works."""

    ok: bool
    #: The names the server offers; empty when it does not list them.
    models: tuple[str, ...]
    #: Milliseconds to the first token; None when there was none.
    latency_ms: float | None
    #: One sentence for the operator.
    sentence: str


class LanguageModel(Protocol):
    """A model that speaks or reads. Every method raises `chat.llm.errors.ModelError` when it cannot."""

    #: The model's name as the server is asked for it.
    name: str
    #: Whether it is asked with messages or with a script.
    style: Style
    #: Tokens that a prompt may fill.
    prompt_tokens: int
    #: Tokens that a reply may have.
    reply_tokens: int

    def stream(self, prompt: Prompt) -> AsyncGenerator[StreamItem]:
        """The reply in pieces, `Finish` last; closing the generator closes the connection at once."""
        ...

    async def structured[T: BaseModel](self, prompt: Prompt, schema: type[T]) -> T:
        """The answer as a validated `schema`; raises ModelOutputError when one repair did not help."""
        ...

    async def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text: by the endpoint's own tokenizer if it offers one, else `estimate_tokens`."""
        ...

    async def look(self) -> None:
        """Return when the endpoint is there; costs no tokens."""
        ...

    async def probe(self) -> Probe:
        """Ask the endpoint for its models and for one token; never raises ModelError."""
        ...


def estimate_tokens(text: str) -> int:
    """A cautious estimate of a text's tokens: four ASCII characters, or one other character, to a token.

    Four characters of English to a token is OpenAI's published rule of thumb ("What are tokens and how to
    count them?"); letters outside ASCII cost up to a token each in the same vocabularies.
    """
    ascii_letters = len(text.encode("ascii", "ignore"))
    return -(-ascii_letters // 4) + len(text) - ascii_letters
