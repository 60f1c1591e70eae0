"""A chat's activity: a small chart drawn by the server."""

from dataclasses import asdict, dataclass

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from agent.pages.doors import signed_in, wants_json
from agent.projections.activity import Day, days_of
from chat.story.access import get_chat_for

HEIGHT = 60
STEP = 14
BAR = 10
DAYS = 30


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of the chart, in its units."""

    x: int
    y: float
    height: float
    day: Day

    @property
    def turns(self) -> int:
        """All that was said."""
        return self.day.said + self.day.replies


@require_GET
@signed_in
def activity(request: HttpRequest, chat_id: int) -> HttpResponse:
    """Turns, tokens, cost and latency by day; a fragment with a chart, or a list in JSON."""
    chat = get_chat_for(request.user, chat_id)
    days = days_of(chat.id)
    if wants_json(request):
        return JsonResponse([asdict(day) for day in days], safe=False)
    return render(
        request, "agent/_activity.html", {"bars": _bars(days[-DAYS:]), **_chart(days), "totals": _totals(days)}
    )


def _bars(days: list[Day]) -> list[Bar]:
    highest = max((day.said + day.replies for day in days), default=1)
    heights = [max(2.0, HEIGHT * (day.said + day.replies) / highest) for day in days]
    return [
        Bar(at * STEP, round(HEIGHT - high, 1), round(high, 1), day)
        for at, (day, high) in enumerate(zip(days, heights, strict=True))
    ]


def _chart(days: list[Day]) -> dict[str, int]:
    return {"width": max(STEP, min(len(days), DAYS) * STEP), "height": HEIGHT, "bar_width": BAR}


def _totals(days: list[Day]) -> dict[str, object]:
    timed = [day for day in days if day.first_token_ms is not None]
    replies = sum(day.replies for day in timed)
    wait = sum((day.first_token_ms or 0) * day.replies for day in timed)
    return {
        "turns": sum(day.said + day.replies for day in days),
        "tokens": sum(day.prompt_tokens + day.completion_tokens for day in days),
        "cost": sum(day.cost for day in days),
        "first_token_ms": wait // replies if replies else None,
    }
