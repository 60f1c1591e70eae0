"""The subscribers and how they get on in the Django admin: to be read there, never written."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from agent.models import AlertSent, Attempt, Bookmark, DayOfChat, SearchedTurn, Subscriber, SuspendedEndpoint
from agent.projections.activity import days_of_all
from chat.read_only import ReadOnly


@admin.register(Subscriber)
class SubscriberAdmin(ReadOnly):
    """The subscribers by name."""

    list_display = ("name", "kind", "epoch", "rebuilding", "seeded_at", "paused_at", "paused_by")
    list_filter = ("kind",)
    ordering = ("name",)


@admin.register(Bookmark)
class BookmarkAdmin(ReadOnly):
    """The lanes, the wedged first."""

    list_display = ("subscriber", "stream", "position", "due_at", "leased_until", "wedged_at", "paused_at")
    list_filter = ("subscriber", ("wedged_at", admin.EmptyFieldListFilter), ("paused_at", admin.EmptyFieldListFilter))
    list_select_related = ("subscriber", "stream")
    search_fields = ("stream__name",)
    search_help_text = "A stream such as chat-7."
    ordering = ("wedged_at", "-id")


@admin.register(Attempt)
class AttemptAdmin(ReadOnly):
    """What was tried, the newest first."""

    list_display = ("id", "bookmark", "event", "outcome", "error", "worker", "started_at", "duration_ms")
    list_filter = ("outcome", "failure")
    list_select_related = ("bookmark",)
    search_fields = ("=event", "fingerprint")
    search_help_text = "The position of an event, or a fingerprint."
    ordering = ("-id",)


@admin.register(SuspendedEndpoint)
class SuspendedEndpointAdmin(ReadOnly):
    """Models that are left alone until a probe passes."""

    list_display = ("name", "reason", "suspended_at", "probe_at")
    ordering = ("-suspended_at",)


@admin.register(AlertSent)
class AlertSentAdmin(ReadOnly):
    """Alerts that went out, the newest first."""

    list_display = ("fingerprint", "sent_at")
    ordering = ("-sent_at",)


@admin.register(SearchedTurn)
class SearchedTurnAdmin(ReadOnly):
    """What the search knows."""

    list_display = ("turn", "chat", "epoch", "text")
    search_fields = ("=turn", "=chat")
    ordering = ("-id",)


@admin.register(DayOfChat)
class DayOfChatAdmin(ReadOnly):
    """What was said day by day: a chart of all chats, and the rows it is made of."""

    list_display = ("day", "chat", "said", "replies", "prompt_tokens", "completion_tokens", "epoch")
    search_fields = ("=chat",)
    ordering = ("-day", "-id")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list under its chart."""
        return super().changelist_view(request, {**(extra_context or {}), "days": days_of_all()})
