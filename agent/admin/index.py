"""The first page of the desk: one sentence, tiles, the subscribers worst first, and all tables below."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.sites import AdminSite
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from agent.admin.acting import new_key
from agent.admin.door import operator_of
from agent.operations.locking import DatabaseAwayError, NoBookmarksError
from agent.operations.overview import Overview, pulses, show_desk
from agent.templatetags.desk import since


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the sentence; `grave` ones stand out, and a link leads to what is meant."""

    text: str
    link: str = ""
    grave: bool = False


@dataclass(frozen=True, slots=True)
class Tile:
    """A number that leads to a list."""

    number: int
    word: str
    link: str
    state: str = ""


def index(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    """The desk, for those who may see it; for others the tables that they may."""
    context = {**(extra_context or {}), "now": timezone.now()}
    if operator_of(request).may("view_desk"):
        context |= _desk(request)
    return AdminSite.index(admin.site, request, context)


def _desk(request: HttpRequest) -> dict[str, Any]:
    by = operator_of(request)
    try:
        overview, beats = show_desk(by=by), pulses(by=by)
    except (NoBookmarksError, DatabaseAwayError) as error:
        return {"trouble": error.detail}
    return {
        "overview": overview,
        "subscribers": overview.subscribers,
        "sentence": list(sentence(overview)),
        "tiles": list(tiles(overview)),
        "pulses": beats,
        # Learned when there is nothing else to do.
        "drill_key": new_key() if _is_quiet(overview) and by.may("start_drill") else "",
    }


def _is_quiet(overview: Overview) -> bool:
    return not overview.total("wedged") and not overview.drilling


def sentence(overview: Overview) -> Iterator[Part]:
    """What an operator must know first, part by part."""
    trouble = [*_wedged(overview), *_held(overview), *_paused(overview), *_cautions(overview)]
    if trouble:
        yield from trouble
        return
    behind = overview.total("behind_events")
    yield Part(f"All {len(overview.subscribers)} subscribers are live")
    yield Part(f"{_count(behind, 'event')} behind" if behind else f"head {overview.head:,}")


def tiles(overview: Overview) -> Iterator[Tile]:
    """The numbers below it."""
    for word, what in (("wedged", "wedged"), ("backing off", "backing_off"), ("paused", "paused")):
        number = overview.total(what)
        yield Tile(number, word, _lanes(word), word.replace(" ", "-") if number else "")
    cautions = f"{_word(overview.cautions, 'caution')} to review"
    yield Tile(overview.cautions, cautions, reverse("admin:agent_desk_cautions"))
    audit = reverse("admin:agent_auditentry_changelist")
    today = f"{audit}?since={overview.at:%Y-%m-%d}"
    yield Tile(overview.decided_today, f"{_word(overview.decided_today, 'decision')} today", today)


def _wedged(overview: Overview) -> Iterator[Part]:
    wedged, how_long = overview.total("wedged"), since(overview.wedged_since)
    if wedged > 1:
        yield Part(f"{wedged:,} lanes are wedged, the oldest for {how_long}", _lanes("wedged"), grave=True)
    elif wedged:
        lane = reverse("admin:agent_bookmark_change", args=[overview.oldest_wedged])
        yield Part(f"1 lane is wedged, for {how_long}", lane, grave=True)


def _held(overview: Overview) -> Iterator[Part]:
    endpoints = reverse("admin:agent_suspendedendpoint_changelist")
    for endpoint in overview.suspended:
        yield Part(f"{endpoint.name} refuses us, for {since(endpoint.suspended_at)}", endpoints, grave=True)
    if failing := overview.total("backing_off"):
        verb = "is" if failing == 1 else "are"
        yield Part(f"{_count(failing, 'lane')} {verb} backing off", _lanes("backing off"))


def _paused(overview: Overview) -> Iterator[Part]:
    for one in overview.subscribers:
        if one.paused_at is not None:
            page = reverse("admin:agent_subscriber_change", args=[one.standing.name])
            yield Part(f"{one.standing.name} is paused by {one.paused_by}", page)


def _cautions(overview: Overview) -> Iterator[Part]:
    if overview.cautions:
        yield Part(f"{_count(overview.cautions, 'caution')} to review", reverse("admin:agent_desk_cautions"))


def _lanes(state: str) -> str:
    return f"{reverse('admin:agent_bookmark_changelist')}?{urlencode({'state': state})}"


def _count(number: int, word: str) -> str:
    return f"{number:,} {_word(number, word)}"


def _word(number: int, word: str) -> str:
    return word if number == 1 else f"{word}s"


admin.site.index = index  # type: ignore[method-assign, assignment]
admin.site.index_template = "admin/agent/index.html"
admin.site.enable_nav_sidebar = False
