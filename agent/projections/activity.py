"""What happened in each chat on each day: turns, tokens, cost and latency."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet, Sum

from agent.models import DayOfChat
from agent.models import Subscriber as Row
from agent.subscriptions.base import Projection, chat_of
from chat.log.models import Event

_SUMS = (
    "said",
    "replies",
    "prompt_tokens",
    "completion_tokens",
    "cost_micros",
    "first_token_ms",
    "duration_ms",
    "timed",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Day:
    """One chat on one day."""

    day: date
    said: int
    replies: int
    prompt_tokens: int
    completion_tokens: int
    #: In the currency of the prices; 0 without prices.
    cost: float
    #: Means in milliseconds; None when nothing was timed.
    first_token_ms: int | None
    duration_ms: int | None

    @property
    def turns(self) -> int:
        """All that was said."""
        return self.said + self.replies

    @property
    def tokens(self) -> int:
        """All that was sent to models and written by them."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(slots=True)
class _Sums:
    """What a batch adds to one row."""

    values: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_SUMS, 0))

    def add(self, event: Event) -> None:
        """Count one turn."""
        if event.kind == "user_turn":
            self.values["said"] += 1
            return
        values, said = self.values, event.payload
        values["replies"] += 1
        prompt, completion = said.get("prompt_tokens") or 0, said.get("completion_tokens") or 0
        values["prompt_tokens"] += prompt
        values["completion_tokens"] += completion
        # A price of a million tokens is, token by token, one in millionths.
        values["cost_micros"] += round(prompt * settings.PROMPT_PRICE + completion * settings.COMPLETION_PRICE)
        if said.get("first_token_ms") is not None and said.get("duration_ms") is not None:
            values["timed"] += 1
            values["first_token_ms"] += said["first_token_ms"]
            values["duration_ms"] += said["duration_ms"]


class Activity(Projection):
    """Turns, tokens, cost and latency per chat and day (UTC)."""

    name: ClassVar[str] = "activity"
    kinds: ClassVar[tuple[str, ...]] = ("user_turn", "assistant_turn")

    def apply(self, events: Sequence[Event], *, epoch: int) -> None:
        """Add each turn to its day."""
        found: dict[tuple[int, date], _Sums] = {}
        for event in events:
            found.setdefault((chat_of(event), event.recorded_at.date()), _Sums()).add(event)
        # In one order, so that two workers never wait for each other.
        days = sorted(found.items(), key=lambda one: one[0])
        _add([[epoch, chat, day, *sums.values.values()] for (chat, day), sums in days])

    def clear(self, *, epoch: int) -> None:
        """Forget the days of an epoch."""
        DayOfChat.objects.filter(epoch=epoch).delete()


def days_of(chat: int) -> list[Day]:
    """The days of a chat on which something was said, oldest first."""
    return _days(DayOfChat.objects.filter(chat=chat))


def days_of_all() -> list[Day]:
    """The days on which something was said in any chat, oldest first."""
    return _days(DayOfChat.objects.all())


def _days(rows: QuerySet[DayOfChat]) -> list[Day]:
    epoch = Row.objects.filter(name=Activity.name).values_list("epoch", flat=True).first() or 0
    sums = {f"sum_{name}": Sum(name) for name in _SUMS}
    found = rows.filter(epoch=epoch).values_list("day").annotate(**sums).order_by("day")
    return [_day(day, dict(zip(_SUMS, summed, strict=True))) for day, *summed in found]


def _add(rows: list[list[Any]]) -> None:
    """Add to the rows of some days, making those that are missing, in one statement."""
    names = ("epoch", "chat", "day", *_SUMS)
    values = ", ".join([f"({', '.join(['%s'] * len(names))})"] * len(rows))
    sums = ", ".join(f"{name} = agent_dayofchat.{name} + excluded.{name}" for name in _SUMS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO agent_dayofchat ({', '.join(names)}) VALUES {values}"  # noqa: S608  (names and marks only)
            f" ON CONFLICT (epoch, chat, day) DO UPDATE SET {sums}",
            [value for row in rows for value in row],
        )


def _day(day: date, sums: dict[str, int]) -> Day:
    timed = sums["timed"]
    return Day(
        day=day,
        said=sums["said"],
        replies=sums["replies"],
        prompt_tokens=sums["prompt_tokens"],
        completion_tokens=sums["completion_tokens"],
        cost=sums["cost_micros"] / 1_000_000,
        first_token_ms=sums["first_token_ms"] // timed if timed else None,
        duration_ms=sums["duration_ms"] // timed if timed else None,
    )
