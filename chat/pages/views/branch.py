"""Branching a story from one of its turns."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from chat.pages.answers import notify, signed_in, wants_json
from chat.pages.doors import player
from chat.story.access import get_chat_for
from chat.turns import branching


@require_POST
@signed_in
def branch(request: HttpRequest, chat_id: int, turn_id: int) -> HttpResponse:
    """Begin a story of its own as this one stood at a turn; 201 with its id for JSON clients, browsers go to it."""
    chat = get_chat_for(request.user, chat_id)
    begun = branching.branch(chat, turn=turn_id, by=player(request))
    if wants_json(request):
        return JsonResponse({"chat_id": begun}, status=201)
    notify(request, f"This is a branch of “{chat.title}”. What you do here changes nothing there.")
    return redirect("chat", begun)
