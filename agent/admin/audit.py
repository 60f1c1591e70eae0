"""The audit: operators' Decisions, to be filtered, searched, read one by one, and exported as filtered."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst

from agent.admin.acting import number
from agent.admin.door import DeskAdmin, answering, operator_of
from agent.desk_models import PERMISSIONS
from agent.models import AuditEntry
from agent.operations.audit import Shown, Sought, export, list_decisions, show_decision
from agent.templatetags.desk import words

CHANNELS = ("admin", "api", "mcp", "command")
FORMATS = {"csv": "text/csv", "jsonl": "application/jsonl"}
#: What changed, as the desk's other pages call it; what stands elsewhere on the page.
CALLED = {"position": "Bookmark", "wedged_reason": "Why it is stuck", "standing": "Stands in the story"}
ELSEWHERE = {"generation", "since", "by", "reason"}
#: Decisions of a page.
SHOWN = 50
WORDS = ("q", "act", "channel", "subscriber", "stream", "event", "since", "until")


@admin.register(AuditEntry)
class AuditAdmin(DeskAdmin):
    """Decisions, the newest first."""

    act_to_see = "view_audit"

    def get_urls(self) -> list[URLPattern]:
        """The export stands beside them."""
        view = self.admin_site.admin_view
        return [
            path("export/<str:format>/", view(self.export_view), name="agent_auditentry_export"),
            *super().get_urls(),
        ]

    @answering
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The Decisions that are sought."""
        before = number(request.GET.get("before")) or None
        found = list_decisions(sought(request), before=before, limit=SHOWN + 1, by=operator_of(request))
        chosen = {word: request.GET.get(word, "") for word in WORDS}
        query = request.GET.copy()
        query.pop("before", None)
        return self.page(
            request,
            "admin/agent/audit.html",
            title="Audit",
            decisions=found[:SHOWN],
            older=found[SHOWN - 1].decision_id if len(found) > SHOWN else None,
            newest=before is None,
            chosen=chosen,
            sought_any=any(chosen.values()),
            query=query.urlencode(),
            acts=[codename for codename, _ in PERMISSIONS],
            channels=CHANNELS,
            formats=FORMATS,
        )

    @answering
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One Decision with everything that is on record of it."""
        shown = show_decision(number(object_id), by=operator_of(request))
        return self.page(
            request,
            "admin/agent/decision.html",
            title=f"Decision {object_id}",
            decision=shown.record,
            at=datetime.fromisoformat(shown.record["recorded_at"]),
            lane_url=reverse("admin:agent_bookmark_change", args=[shown.lane]) if shown.lane else "",
            turn=shown.turn,
            changes=changes(shown),
        )

    @answering
    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A Decision is its own history."""
        return self.change_view(request, object_id)

    @answering
    def export_view(self, request: HttpRequest, format: str) -> HttpResponse | StreamingHttpResponse:  # noqa: A002
        """What is filtered, as a file."""
        if format not in FORMATS:
            raise Http404
        lines = export(sought(request), format=format, by=operator_of(request))
        answer = StreamingHttpResponse(lines, content_type=f"{FORMATS[format]}; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="audit.{format}"'
        return answer


def sought(request: HttpRequest) -> Sought:
    """What of the audit the address asks for; days are those of UTC, `until` inclusive."""
    asked = request.GET
    until = _day(asked.get("until"))
    return Sought(
        text=asked.get("q", ""),
        act=asked.get("act", ""),
        channel=asked.get("channel", ""),
        subscriber=asked.get("subscriber", ""),
        stream=asked.get("stream", ""),
        event=number(asked.get("event")) or None,
        since=_day(asked.get("since")),
        until=until + timedelta(days=1) if until else None,
    )


def changes(decision: Shown) -> list[tuple[str, str, str]]:
    """What a Decision changed, in the words of the pages on which it was taken: what, before, after."""
    before, after, writings = decision.record["before"], decision.record["after"], decision.writings
    return [
        (CALLED.get(name, words(name)), _told(name, before.get(name), writings), _told(name, value, writings))
        for name, value in after.items()
        if before.get(name) != value and name not in ELSEWHERE
    ]


def _told(name: str, value: Any, writings: Mapping[int, int]) -> str:
    match name:
        case "next_event":
            return f"Event {value}" if value else "Nothing"
        case "standing" if value in writings:
            return f"Writing {writings[value]}"
        case "state" | "wedged_reason":
            return capfirst(value) or "–"
        case _ if isinstance(value, bool):
            return "Yes" if value else "No"
        case _:
            return "–" if value is None else str(value)


def _day(said: str | None) -> datetime | None:
    try:
        return datetime.strptime(said or "", "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
