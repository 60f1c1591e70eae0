"""The page about the model that answers, and the operator's test of it."""

from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from chat.errors import ChatError
from chat.llm.client import BUILTIN, Probe, get_model
from chat.llm.endpoint import without_password
from chat.llm.errors import NoModelError
from chat.pages.answers import signed_in, wants_json
from chat.pages.doors import player
from chat.pages.notices import model_name
from chat.turns.models import Generation


class OperatorsOnlyError(ChatError):
    """Only operators can test the model."""

    status = 403


@require_safe
@signed_in
def model(request: HttpRequest) -> HttpResponse:
    """Which model answers, how it last did, and how to connect another one."""
    return render(request, "chat/model.html", _page(request))


@require_POST
@signed_in
def model_test(request: HttpRequest) -> HttpResponse:
    """Ask the model for one token and say what came of it; staff only."""
    if not player(request).is_staff:
        raise OperatorsOnlyError
    try:
        probe = async_to_sync(get_model().probe)()
    except NoModelError as error:
        probe = Probe(ok=False, models=(), latency_ms=None, sentence=error.detail)
    if wants_json(request):
        return JsonResponse({"ok": probe.ok, "detail": probe.sentence, "models": probe.models})
    template = "chat/_probe.html" if request.headers.get("HX-Request") else "chat/model.html"
    return render(request, template, _page(request) | {"probe": probe})


def _page(request: HttpRequest) -> dict[str, Any]:
    name = model_name()
    ended = Generation.objects.filter(model=name).exclude(state=Generation.State.RUNNING)
    return {
        "name": name,
        "builtin": name == BUILTIN,
        "last": ended.order_by("-started_at").first() if name else None,
        "url": without_password(settings.MODEL_URL) if player(request).is_staff else "",
    }
