"""Counting the tokens that one piece of work costs, however often it asks and whoever asks for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Spent:
    """Tokens of a piece of work so far; None while no server has said any."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


_counting: ContextVar[Spent | None] = ContextVar("_counting", default=None)


@contextmanager
def counted(spent: Spent) -> Iterator[None]:
    """Add to `spent` what is asked for within, by tasks that are begun within too."""
    token = _counting.set(spent)
    try:
        yield
    finally:
        _counting.reset(token)


def note(answer: Any) -> None:
    """Count a server's answer by its `usage`, if it has one that makes sense."""
    spent, usage = _counting.get(), answer.get("usage") if isinstance(answer, dict) else None
    if spent is None or not isinstance(usage, dict):
        return
    spent.prompt_tokens = _sum(spent.prompt_tokens, usage.get("prompt_tokens"))
    spent.completion_tokens = _sum(spent.completion_tokens, usage.get("completion_tokens"))


def _sum(so_far: int | None, more: Any) -> int | None:
    return (so_far or 0) + more if isinstance(more, int) and more >= 0 else so_far
