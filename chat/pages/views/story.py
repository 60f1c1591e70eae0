"""The facts of a story: the panel's fragment, their page and JSON; and what a player does to them by hand."""

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from chat.pages.answers import notify, signed_in, wanted_next, wants_json
from chat.pages.doors import Sent, deed, done, player
from chat.pages.facts import story_panel
from chat.pages.forms import posted, text
from chat.pages.story_json import story_json
from chat.pages.writings import count_deleted
from chat.story.access import branches_for, get_chat_for
from chat.story.models import Chat, Turn
from chat.turns import cautions, story_events
from chat.turns.standing import standing_beside


@require_safe
@signed_in
def story(request: HttpRequest, chat_id: int) -> HttpResponse:
    """The story events, memories, relationships, milestones and decisions, as JSON."""
    return JsonResponse(story_json(get_chat_for(request.user, chat_id)))


@require_safe
@signed_in
def facts(request: HttpRequest, chat_id: int) -> HttpResponse:
    """Everything that is known of the story, as a page of its own."""
    chat = get_chat_for(request.user, chat_id)
    return render(request, "chat/facts.html", _context(request, chat, whole=True))


@require_safe
@signed_in
def facts_fragment(request: HttpRequest, chat_id: int) -> HttpResponse:
    """Fragment: the panel's Story tab, and "Previously"."""
    chat = get_chat_for(request.user, chat_id)
    return render(request, "chat/_facts.html", _context(request, chat))


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
    return redirect(wanted_next(request) or reverse("chat", args=[chat_id]))


@deed
def story_event_edit(chat: Chat, sent: Sent, by: User, *, story_event: int) -> None:
    """Call or describe a story event otherwise (`title`, `description`)."""
    title, description = text(sent, "title"), text(sent, "description")
    story_events.edit(chat, story_event=story_event, title=title, description=description, by=by)


@deed
def story_event_start(chat: Chat, _: Sent, by: User, *, story_event: int) -> None:
    """Let a planned story event begin."""
    story_events.start(chat, story_event=story_event, by=by)


@deed
def story_event_complete(chat: Chat, _: Sent, by: User, *, story_event: int) -> None:
    """Say that a story event has happened."""
    story_events.complete(chat, story_event=story_event, by=by)


@deed
def story_event_cancel(chat: Chat, _: Sent, by: User, *, story_event: int) -> None:
    """Say that a story event will not happen."""
    story_events.cancel(chat, story_event=story_event, by=by)


@deed
def story_event_back(chat: Chat, _: Sent, by: User, *, story_event: int) -> None:
    """Let what nobody who stands has begun be only planned again."""
    story_events.back_to_planned(chat, story_event=story_event, by=by)


@require_POST
@signed_in
def memory_forget(request: HttpRequest, chat_id: int, memory: int) -> HttpResponse:
    """Have a memory forgotten; the answer says how to take that back."""
    story_events.forget(get_chat_for(request.user, chat_id), memory=memory, by=player(request))
    undo = reverse("memory_recall", args=[chat_id, memory])
    if wants_json(request):
        return JsonResponse({"done": True, "said": "Forgotten.", "undo": undo})
    notify(request, "Forgotten.", undo=undo)
    return done(request, reverse("chat", args=[chat_id]))


@deed
def memory_recall(chat: Chat, _: Sent, by: User, *, memory: int) -> None:
    """Bring back a memory that was forgotten by hand."""
    story_events.recall(chat, memory=memory, by=by)


@deed
def caution_promote(chat: Chat, sent: Sent, by: User, *, caution: int) -> None:
    """Let a drafted caution enter its audience's prompts (`reasoning`)."""
    cautions.promote(chat, caution=caution, reasoning=text(sent, "reasoning"), by=by)


@deed
def caution_decline(chat: Chat, sent: Sent, by: User, *, caution: int) -> None:
    """Keep a drafted caution out of every prompt (`reasoning`)."""
    cautions.decline(chat, caution=caution, reasoning=text(sent, "reasoning"), by=by)


def _context(request: HttpRequest, chat: Chat, *, whole: bool = False) -> dict[str, object]:
    owner = request.user.pk == chat.owner_id or player(request).is_superuser
    kin = branches_for(request.user, chat)
    origin = next((one for one in kin if one.id == chat.branched_from), None)
    return {
        "chat": chat,
        "whole": whole,
        "origin": origin,
        "parting": _parting(origin, chat.branched_from_turn or 0) if origin else None,
        "branches": [one for one in kin if one.branched_from == chat.id],
        "deleted": count_deleted(chat),
    } | story_panel(chat, owner=owner, whole=whole)


def _parting(origin: Chat, turn: int) -> Turn | None:
    """What stands now where a branch went another way."""
    left = origin.turns.filter(id=turn).first()
    return standing_beside(left) if left else None
