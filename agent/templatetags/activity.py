"""The chart of what happened day by day, drawn by the server."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django import template

from agent.projections.activity import Day

#: In the chart's own units.
HEIGHT = 72
STEP = 14
BAR = 10
DAYS = 30
LEAST = 2.0

register = template.Library()


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of the chart: the player's turns below, the characters' above them."""

    x: int
    day: Day
    said: float
    replies: float

    @property
    def said_y(self) -> float:
        """Where the player's part begins."""
        return HEIGHT - self.said

    @property
    def replies_y(self) -> float:
        """Where the characters' part begins."""
        return HEIGHT - self.said - self.replies


@register.inclusion_tag("agent/_activity.html")
def activity_chart(days: Sequence[Day]) -> dict[str, object]:
    """The last 30 days up to the last on which something was said, and a table of them; `days` oldest first."""
    if not days:
        return {"bars": []}
    last = days[-1].day
    first = last - timedelta(days=DAYS - 1)
    shown = [day for day in days if day.day >= first]
    busiest = max(shown, key=lambda day: day.turns)
    return {
        "bars": [_bar(day, (day.day - first).days, busiest.turns) for day in shown],
        "days": shown[::-1],
        "first": first,
        "last": last,
        "busiest": busiest,
        "width": DAYS * STEP - (STEP - BAR),
        "height": HEIGHT,
        "bar_width": BAR,
        "totals": _totals(days),
    }


def _bar(day: Day, number: int, most: int) -> Bar:
    said, replies = (round(max(LEAST, HEIGHT * part / most), 1) if part else 0.0 for part in (day.said, day.replies))
    return Bar(x=number * STEP, day=day, said=said, replies=min(replies, HEIGHT - said))


def _totals(days: Sequence[Day]) -> dict[str, object]:
    timed = [day for day in days if day.first_token_ms is not None]
    replies = sum(day.replies for day in timed)
    wait = sum((day.first_token_ms or 0) * day.replies for day in timed)
    return {
        "turns": sum(day.turns for day in days),
        "tokens": sum(day.tokens for day in days),
        "cost": sum(day.cost for day in days),
        "first_token": wait / replies / 1000 if replies else None,
    }
