"""Putting away the card beside the demo story."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from chat.pages.answers import signed_in
from chat.pages.doors import done, player
from chat.pages.tour import close_tour
from chat.story.access import get_chat_for


@require_POST
@signed_in
def tour_close(request: HttpRequest, chat_id: int) -> HttpResponse:
    """Show the card no more, in any demo story."""
    chat = get_chat_for(request.user, chat_id)
    close_tour(player(request))
    return done(request, reverse("chat", args=[chat.id]))
