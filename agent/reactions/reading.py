"""What the Reactions ask a reader with: the model if there is one, and turns as lines within a budget."""

from collections.abc import Iterable, Sequence

from chat.llm.client import LanguageModel, Message, Prompt, estimate_tokens, get_reader
from chat.llm.errors import NoReaderError
from chat.story.models import Turn

ANSWER_TOKENS = 900
#: Tokens of a reader's window that instructions, names and the form of the answer take.
OVERHEAD_TOKENS = 1200
TEMPERATURE = 0.2


def reader() -> LanguageModel | None:
    """The model that reads; None when words must do (see `chat.llm.word_reader`)."""
    try:
        return get_reader()
    except NoReaderError:
        return None


def prompt(instructions: str, material: str) -> Prompt:
    """What a reader is asked."""
    return Prompt(
        messages=(Message(role="system", content=instructions), Message(role="user", content=material)),
        max_tokens=ANSWER_TOKENS,
        temperature=TEMPERATURE,
    )


def newest_that_fit(turns: Sequence[Turn], *, tokens: int) -> list[Turn]:
    """The newest turns that fit, oldest first; at least one if there is one."""
    kept: list[Turn] = []
    for turn in reversed(turns):
        tokens -= estimate_tokens(turn.text) + 4
        if tokens < 0 and kept:
            break
        kept.append(turn)
    return kept[::-1]


def as_lines(turns: Iterable[Turn]) -> str:
    """Turns as one reads a play."""
    return "\n\n".join(f"{turn.speaker_name}: {turn.text}" for turn in turns)


def window(model: LanguageModel) -> int:
    """Tokens of turns that may go into one question."""
    return max(200, model.prompt_tokens - OVERHEAD_TOKENS)
