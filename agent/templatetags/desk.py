"""How the desk shows states, spans of time and the pulse of a subscriber."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import template
from django.http import QueryDict
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from agent.operations.audit import Sought
from agent.operations.command import PRESETS, address
from agent.operations.problems import slug_of
from chat.errors import ChatError

register = template.Library()

#: A state is always word, shape and colour.
SHAPES = {
    "wedged": "▲",
    "backing off": "↻",
    "paused": "Ⅱ",
    "behind": "◔",
    "running": "▸",
    "live": "●",
    "superseded": "○",
    "deleted": "✕",
}
#: How an Attempt ended, by the state that it is drawn as.
OUTCOMES = {"failed": "wedged", "lost": "wedged", "running": "running", "done": "live", "skipped": "live"}
#: The sparkline's own units.
WIDTH, HEIGHT, EDGE = 120, 24, 2
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


@register.simple_tag
def chip(state: str) -> SafeString:
    """A state as word, shape and colour."""
    name = state.replace(" ", "-")
    return format_html(
        '<span class="chip {}"><span aria-hidden="true">{}</span> {}</span>', name, SHAPES[state], state.capitalize()
    )


@register.simple_tag
def outcome(word: str) -> SafeString:
    """How an Attempt ended, as word, shape and colour."""
    state = OUTCOMES.get(word, "paused")
    return format_html(
        '<span class="chip {}"><span aria-hidden="true">{}</span> {}</span>', state, SHAPES[state], word.capitalize()
    )


@register.simple_tag
def sparkline(pulse: Sequence[int] | None) -> SafeString:
    """Attempts a minute over the last hour, drawn, with what it says in words."""
    pulse = pulse or (0,)
    most, step = max(pulse), WIDTH / max(1, len(pulse) - 1)
    heights = [HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * count / (most or 1) for count in pulse]
    points = " ".join(f"{at * step:.0f},{height:.1f}" for at, height in enumerate(heights)) + (
        f" {WIDTH},{heights[0]:.1f}" if len(pulse) == 1 else ""
    )
    words = f"low {min(pulse)}, high {most}, now {pulse[-1]}" if most else "none"
    return format_html(
        '<svg class="spark" viewBox="0 0 {} {}" role="img" aria-label="Attempts a minute, last hour: {}">'
        '<polyline points="{}"/></svg>',
        WIDTH,
        HEIGHT,
        words,
        points,
    )


@register.filter
def span(seconds: float | None) -> str:
    """Seconds as people say them: `40 s`, `14 min`, `2 h`, `3 days`."""
    if seconds is None:
        return ""
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR:.0f} h"
    return f"{seconds // _DAY:.0f} days"


@register.filter
def since(moment: datetime | None) -> str:
    """How long ago a moment was, as `span` says it."""
    return "" if moment is None else span(max(0.0, (timezone.now() - moment).total_seconds()))


@register.filter
def until(moment: datetime | None) -> str:
    """How long it is to a moment: `in 40 s`, or `now`."""
    seconds = 0.0 if moment is None else (moment - timezone.now()).total_seconds()
    return f"in {span(seconds)}" if seconds > 1 else "now"


@register.filter
def when(at: datetime | None, now: datetime) -> SafeString:
    """A moment as all pages show it: the time, with the day if it is not today's; pointed at, the whole of it."""
    if at is None:
        return mark_safe("")
    at = at.astimezone(now.tzinfo)
    shown = f"{at:%H:%M:%S}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M}"
    whole = f"{at:%Y-%m-%d %H:%M:%S %Z}"
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), whole, shown)


@register.filter
def query(sought: Sought) -> str:
    """The audit's address for what is sought."""
    return urlencode({"q" if name == "target" else name: value for name, value in asdict(sought).items() if value})


@register.filter
def get[K, V](mapping: Mapping[K, V], name: K) -> V | None:
    """What a mapping has by a name that is a variable."""
    return mapping.get(name)


@register.filter
def pretty(value: Any) -> str:
    """A value as indented JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


@register.filter
def words(name: str) -> str:
    """A name of the code's as words: `EventDismissed` and `event_dismissed` are "Event dismissed"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").capitalize()


@register.filter
def preset(name: str) -> str:
    """A preset reason in the words of its form; one that is offered no more by its name."""
    return PRESETS[name].words if name in PRESETS else words(name)


@register.filter(name="address")
def address_of(target: dict[str, Any]) -> str:
    """What a Decision is about, for people."""
    return address(target)


@register.filter
def kept(filters: str) -> str:
    """The list's own query of the filters that a page carries along."""
    return QueryDict(filters).get("_changelist_filters", "") or ""


@register.filter
def problem(error: ChatError) -> str:
    """The type of a refusal, as the other doors name it; for scripts and tests."""
    return slug_of(error)
