"""The agent's other tables in the Django admin: to be read there, never written."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from agent.admin.acting import Form
from agent.admin.door import DeskAdmin, answering, moment_of, operator_of
from agent.models import AlertSent, DayOfChat, DismissedEvent, Refusal, SearchedTurn, SuspendedEndpoint
from agent.operations.redeliver import RedeliverEvent, redeliver_event
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

    list_display = ("event", "subscriber", "decision")
    list_filter = ("subscriber",)
    search_fields = ("=event",)
    ordering = ("-id",)

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
        context = {
            "row": row,
            "form": form,
            "address": address,
            "title": f"Event {row.event}",
            "accepts_late": accepts_late(row.subscriber),
        }
        return self.page(request, "admin/agent/dismissed.html", status=form.status, **context)


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
