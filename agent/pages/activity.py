"""A chat's activity: what was said in it day by day."""

from dataclasses import asdict

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from agent.pages.doors import signed_in, wants_json
from agent.projections.activity import days_of
from chat.story.access import get_chat_for


@require_GET
@signed_in
def activity(request: HttpRequest, chat_id: int) -> HttpResponse:
    """Turns, tokens, cost and latency by day; a page with a chart, or a list in JSON."""
    chat = get_chat_for(request.user, chat_id)
    days = days_of(chat.id)
    if wants_json(request):
        return JsonResponse([asdict(day) for day in days], safe=False)
    return render(request, "agent/activity.html", {"chat": chat, "days": days})


@require_GET
@signed_in
def activity_chart(request: HttpRequest, chat_id: int) -> HttpResponse:
    """Fragment: the chart alone."""
    chat = get_chat_for(request.user, chat_id)
    return render(request, "agent/_chart.html", {"days": days_of(chat.id)})
