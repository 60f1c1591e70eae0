"""The agent's other tables in the Django admin: to be read there, never written."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from agent.admin.door import DeskAdmin
from agent.models import AlertSent, DayOfChat, DismissedEvent, Refusal, SearchedTurn, SuspendedEndpoint
from agent.projections.activity import days_of_all


@admin.register(SuspendedEndpoint)
class SuspendedEndpointAdmin(DeskAdmin):
    """Models that are left alone until a probe passes."""

    list_display = ("name", "reason", "suspended_at", "probe_at")
    ordering = ("-suspended_at",)


@admin.register(AlertSent)
class AlertSentAdmin(DeskAdmin):
    """Alerts that went out, the newest first."""

    list_display = ("fingerprint", "sent_at")
    ordering = ("-sent_at",)


@admin.register(DismissedEvent)
class DismissedEventAdmin(DeskAdmin):
    """Events that a Reaction was spared, the newest first."""

    list_display = ("event", "subscriber", "decision")
    list_filter = ("subscriber",)
    search_fields = ("=event",)
    ordering = ("-id",)


@admin.register(Refusal)
class RefusalAdmin(DeskAdmin):
    """Who was refused what, the newest first."""

    act_to_see = "view_audit"
    list_display = ("at", "principal_name", "channel", "act", "target", "status", "detail")
    list_filter = ("channel", "act", "status")
    search_fields = ("principal_name", "target")
    ordering = ("-id",)


@admin.register(SearchedTurn)
class SearchedTurnAdmin(DeskAdmin):
    """What the search knows."""

    act_to_see = "reveal_payload"
    list_display = ("turn", "chat", "epoch", "text")
    search_fields = ("=turn", "=chat")
    ordering = ("-id",)


@admin.register(DayOfChat)
class DayOfChatAdmin(DeskAdmin):
    """What was said day by day: a chart of all chats, and the rows it is made of."""

    list_display = ("day", "chat", "said", "replies", "prompt_tokens", "completion_tokens", "epoch")
    search_fields = ("=chat",)
    ordering = ("-day", "-id")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list under its chart."""
        return super().changelist_view(request, {**(extra_context or {}), "days": days_of_all()})
