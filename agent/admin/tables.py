"""The agent's other tables in the Django admin: to be read there, never written."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse

from agent.admin.acting import Form
from agent.admin.door import DeskAdmin, answering, moment_of, operator_of
from agent.models import AlertSent, AuditEntry, DayOfChat, DismissedEvent, Refusal, SearchedTurn, SuspendedEndpoint
from agent.operations.dismiss import find_event
from agent.operations.history import show_history
from agent.operations.redeliver import RedeliverEvent, redeliver_event
from agent.operations.registering import Decided
from agent.projections.activity import days_of_all
from agent.registry import accepts_late


class Table(DeskAdmin):
    """Rows that operators decide nothing about: they have no history to lead to."""

    change_form_template = "admin/agent/change_form.html"


@admin.register(SuspendedEndpoint)
class SuspendedEndpointAdmin(Table):
    """Models that are left alone until a probe passes."""

    list_display = ("name", "reason", "since", "probe")
    since = moment_of("suspended_at", "Since")
    probe = moment_of("probe_at", "Next probe")
    ordering = ("-suspended_at",)


@admin.register(AlertSent)
class AlertSentAdmin(Table):
    """Alerts that went out, the newest first."""

    list_display = ("fingerprint", "sent")
    sent = moment_of("sent_at", "Sent")
    ordering = ("-sent_at",)


@admin.register(DismissedEvent)
class DismissedEventAdmin(DeskAdmin):
    """Events that a Reaction was spared, the newest first."""

    list_display = ("event", "subscriber", "when", "who", "why")
    when = moment_of("at", "When")
    list_filter = ("subscriber",)
    search_fields = ("=event",)
    ordering = ("-id",)

    @admin.display(description="Who", ordering="who")
    def who(self, row: Any) -> str:
        """Who dismissed it."""
        return str(row.who)

    @admin.display(description="Why", ordering="why")
    def why(self, row: Any) -> str:
        """The reason in full."""
        return str(row.why)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """What was decided is told to those who may read the audit."""
        if operator_of(request).may("view_audit"):
            return self.list_display
        return ("event", "subscriber", "decision")

    def get_queryset(self, request: HttpRequest) -> QuerySet[DismissedEvent]:
        """Each with what the audit has of its dismissal."""
        entry = AuditEntry.objects.filter(decision=OuterRef("decision"))
        columns = {"at": "at", "who": "principal_name", "why": "reason"}
        told = {name: Subquery(entry.values(column)) for name, column in columns.items()}
        found: QuerySet[DismissedEvent] = super().get_queryset(request).annotate(**told)
        return found

    @answering
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Taking a dismissal back, with a reason."""
        row, form = self.row(request, object_id), Form.of(request, RedeliverEvent)
        by, address = operator_of(request), self.to(request, "dismissedevent_changelist")
        command = RedeliverEvent(reaction=row.subscriber, event_id=row.event, **form.why)
        decided = form.carry_out(lambda: redeliver_event(command, by=by))
        if decided:
            return self.decided(request, decided, f"Event {row.event} is redelivered.", address=address)
        event = find_event(row.event)
        context = {
            "row": row,
            "form": form,
            "address": address,
            "title": f"Event {row.event}",
            "accepts_late": accepts_late(row.subscriber),
            "event": event,
            "lane": self.to(request, "lane", row.subscriber, event.stream.name) if event else "",
            "decisions": self._decisions(request, object_id),
        }
        return self.page(request, "admin/agent/dismissed.html", status=form.status, **context)

    def _decisions(self, request: HttpRequest, object_id: str) -> list[Decided]:
        by = operator_of(request)
        if not by.may("view_audit"):
            return []
        return show_history(self.get_queryset(request), object_id, by=by).decisions


@admin.register(Refusal)
class RefusalAdmin(Table):
    """Who was refused what, the newest first."""

    act_to_see = "view_audit"
    list_display = ("when", "principal_name", "channel", "act", "target", "status", "detail")
    when = moment_of("at", "When")
    list_filter = ("channel", "act", "status")
    search_fields = ("principal_name", "target")
    ordering = ("-id",)


@admin.register(SearchedTurn)
class SearchedTurnAdmin(Table):
    """What the search knows."""

    act_to_see = "reveal_payload"
    list_display = ("turn", "chat", "epoch", "text")
    search_fields = ("=turn", "=chat")
    ordering = ("-id",)


@admin.register(DayOfChat)
class DayOfChatAdmin(Table):
    """What was said day by day: a chart of all chats, and the rows it is made of."""

    list_display = ("day", "chat", "said", "replies", "prompt_tokens", "completion_tokens", "epoch")
    search_fields = ("=chat",)
    ordering = ("-day", "-id")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list under its chart."""
        return super().changelist_view(request, {**(extra_context or {}), "days": days_of_all()})
