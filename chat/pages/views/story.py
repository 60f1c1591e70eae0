"""The facts of a story: reading them as JSON, and what a player does to them by hand."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from chat.pages import facts
from chat.pages.answers import signed_in, wants_json
from chat.pages.doors import done, player
from chat.pages.forms import posted, text
from chat.story.access import get_chat_for
from chat.turns import cautions, story_events


@require_safe
@signed_in
def story(request: HttpRequest, chat_id: int) -> HttpResponse:
    """The story events, memories, relationships, milestones and decisions, as JSON."""
    return JsonResponse(facts.story_json(get_chat_for(request.user, chat_id)))


@require_POST
@signed_in
def story_event_plan(request: HttpRequest, chat_id: int) -> HttpResponse:
    """Plan a story event (`title`, `description`); its id."""
    chat, sent = get_chat_for(request.user, chat_id), posted(request)
    planned = story_events.plan(
        chat, title=text(sent, "title"), description=text(sent, "description"), by=player(request)
    )
    if wants_json(request):
        return JsonResponse({"id": planned}, status=201)
    return redirect("chat", chat_id)


@require_POST
@signed_in
def story_event_edit(request: HttpRequest, chat_id: int, story_event: int) -> HttpResponse:
    """Call or describe a story event otherwise (`title`, `description`)."""
    chat, sent = get_chat_for(request.user, chat_id), posted(request)
    story_events.edit(
        chat,
        story_event=story_event,
        title=text(sent, "title"),
        description=text(sent, "description"),
        by=player(request),
    )
    return done(request, reverse("chat", args=[chat_id]))


@require_POST
@signed_in
def story_event_start(request: HttpRequest, chat_id: int, story_event: int) -> HttpResponse:
    """Let a planned story event begin."""
    story_events.start(get_chat_for(request.user, chat_id), story_event=story_event, by=player(request))
    return done(request, reverse("chat", args=[chat_id]))


@require_POST
@signed_in
def story_event_complete(request: HttpRequest, chat_id: int, story_event: int) -> HttpResponse:
    """Say that a story event has happened."""
    story_events.complete(get_chat_for(request.user, chat_id), story_event=story_event, by=player(request))
    return done(request, reverse("chat", args=[chat_id]))


@require_POST
@signed_in
def story_event_cancel(request: HttpRequest, chat_id: int, story_event: int) -> HttpResponse:
    """Say that a story event will not happen."""
    story_events.cancel(get_chat_for(request.user, chat_id), story_event=story_event, by=player(request))
    return done(request, reverse("chat", args=[chat_id]))


@require_POST
@signed_in
def story_event_back(request: HttpRequest, chat_id: int, story_event: int) -> HttpResponse:
    """Let what nobody who stands has begun be only planned again."""
    story_events.back_to_planned(get_chat_for(request.user, chat_id), story_event=story_event, by=player(request))
    return done(request, reverse("chat", args=[chat_id]))


@require_POST
@signed_in
def memory_forget(request: HttpRequest, chat_id: int, memory: int) -> HttpResponse:
    """Have a memory forgotten."""
    story_events.forget(get_chat_for(request.user, chat_id), memory=memory, by=player(request))
    return done(request, reverse("chat", args=[chat_id]))


@require_POST
@signed_in
def caution_promote(request: HttpRequest, chat_id: int, caution: int) -> HttpResponse:
    """Let a drafted caution enter its audience's prompts (`reasoning`)."""
    chat = get_chat_for(request.user, chat_id)
    cautions.promote(chat, caution=caution, reasoning=text(posted(request), "reasoning"), by=player(request))
    return done(request, reverse("chat", args=[chat_id]))


@require_POST
@signed_in
def caution_decline(request: HttpRequest, chat_id: int, caution: int) -> HttpResponse:
    """Keep a drafted caution out of every prompt (`reasoning`)."""
    chat = get_chat_for(request.user, chat_id)
    cautions.decline(chat, caution=caution, reasoning=text(posted(request), "reasoning"), by=player(request))
    return done(request, reverse("chat", args=[chat_id]))
