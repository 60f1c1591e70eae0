"""The log and the story in the Django admin: to be read there, never written; turns stand at the operators' desk."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from chat.models import (
    Chat,
    Decision,
    Event,
    Generation,
    Memory,
    Milestone,
    RelationshipChange,
    StoryEvent,
    StoryTransition,
    Stream,
    TurnReading,
)
from chat.read_only import ReadOnly


@admin.register(Stream)
class StreamAdmin(ReadOnly):
    """Streams by their newest event."""

    list_display = ("name", "version", "head")
    search_fields = ("name",)
    ordering = ("-head",)


@admin.register(Event)
class EventAdmin(ReadOnly):
    """The log, the newest event first."""

    list_display = ("position", "stream", "version", "kind", "actor", "recorded_at")
    list_filter = ("kind",)
    list_select_related = ("stream",)
    search_fields = ("stream__name", "=position")
    search_help_text = "A stream such as chat-7, or a position."
    ordering = ("-position",)


@admin.register(Chat)
class ChatAdmin(ReadOnly):
    """Chats, the last played first."""

    list_display = ("id", "title", "owner_id", "turn_count", "last_turn_at", "archived_at", "deleted_at")
    search_fields = ("title", "=id")
    ordering = ("-last_turn_at",)


@admin.register(Generation)
class GenerationAdmin(ReadOnly):
    """Replies and what was sent for them, the newest first."""

    list_display = ("id", "chat_id", "speaker_name", "state", "model", "started_at", "duration_ms", "error")
    list_filter = ("state",)
    search_fields = ("=chat__id", "=id")
    ordering = ("-started_at",)


@admin.register(StoryEvent)
class StoryEventAdmin(ReadOnly):
    """Story events, the last moved first."""

    list_display = ("id", "chat_id", "title", "status", "because_of", "planned_by")
    list_filter = ("status",)
    search_fields = ("title", "=chat__id")
    ordering = ("-status_position",)


@admin.register(StoryTransition)
class StoryTransitionAdmin(ReadOnly):
    """What moved the story events, the newest first."""

    list_display = ("id", "chat_id", "story_event", "change", "status", "turn", "void", "reverted_by")
    list_filter = ("change", "void")
    search_fields = ("=chat__id", "=story_event")
    ordering = ("-id",)


@admin.register(Memory)
class MemoryAdmin(ReadOnly):
    """Memories, the newest first; those of superseded turns too."""

    list_display = ("id", "chat_id", "witness", "text", "importance", "turn", "dismissed_by")
    search_fields = ("text", "=chat__id", "=turn")
    ordering = ("-id",)


@admin.register(RelationshipChange)
class RelationshipChangeAdmin(ReadOnly):
    """Changes between characters, the newest first."""

    list_display = ("id", "chat_id", "character", "toward", "delta", "why", "turn")
    search_fields = ("=chat__id", "=turn")
    ordering = ("-id",)


@admin.register(Milestone)
class MilestoneAdmin(ReadOnly):
    """Milestones, the newest first."""

    list_display = ("id", "chat_id", "text", "story_event", "turn")
    search_fields = ("text", "=chat__id")
    ordering = ("-id",)


@admin.register(TurnReading)
class TurnReadingAdmin(ReadOnly):
    """Which reader has read which turn, the newest first."""

    list_display = ("id", "chat_id", "turn", "reader", "note")
    search_fields = ("=chat__id", "=turn", "reader")
    ordering = ("-id",)


@admin.register(Decision)
class DecisionAdmin(ReadOnly):
    """Judgements of the stories, the newest first."""

    list_display = ("id", "chat_id", "context", "choice", "verdict", "decided_by", "decided_at")
    list_filter = ("context", "choice", "verdict")
    search_fields = ("=chat__id", "reasoning")
    ordering = ("-id",)


def login_page(request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
    """The one door for passwords is ours, which counts the attempts."""
    desk = reverse("admin:index")
    if admin.site.has_permission(request):
        return redirect(desk)
    if request.user.is_authenticated:
        return render(request, "403.html", status=403)
    return redirect_to_login(request.GET.get("next") or desk)


admin.site.login = login_page  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = "Palimpsest"
admin.site.index_title = "Desk"
