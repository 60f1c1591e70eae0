"""What is still being read of a chat: a small line under its newest turn, and the same in JSON."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from agent import registry
from agent.pages.doors import signed_in
from agent.reactions.reading import reader
from agent.subscriptions.standing import LaneStanding, lanes_of_chat
from chat.story.access import get_chat_for


@require_GET
@signed_in
def reading(request: HttpRequest, chat_id: int) -> HttpResponse:
    """An object by reaction name: its lane's `state` in one word and how many events it is `behind`."""
    chat = get_chat_for(request.user, chat_id)
    lanes = lanes_of_chat(registry.readers(), chat.id)
    return JsonResponse({lane.name: {"state": lane.state, "behind": lane.behind} for lane in lanes})


@require_GET
@signed_in
def reading_line(request: HttpRequest, chat_id: int) -> HttpResponse:
    """The line for players; it asks for itself again while something is being read, and is empty when all is.

    Of what stands still it asks more rarely: that may take an operator.
    """
    chat = get_chat_for(request.user, chat_id)
    lanes = lanes_of_chat(registry.readers(), chat.id)
    done = [lane for lane in lanes if not lane.behind]
    trouble = [lane for lane in lanes if lane.behind and lane.state in {"backing off", "wedged", "paused"}]
    model = reader()
    context = {
        "chat": chat,
        "lanes": lanes,
        "reader": model.name if model else "The word reader",
        "done": len(done),
        "unread": len(done) < len(lanes),
        "held": _most_serious(trouble),
        "operates": request.user.has_perm("agent.view_desk") and getattr(request.user, "is_staff", False),
    }
    return render(request, "agent/_reading.html", context)


def _most_serious(trouble: list[LaneStanding]) -> LaneStanding | None:
    order = ["wedged", "paused", "backing off"]
    return min(trouble, key=lambda lane: order.index(lane.state), default=None)
