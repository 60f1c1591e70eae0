"""The search over all one's chats: a page of its own, and the hits that Ctrl+K shows."""

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from agent.pages.doors import signed_in, wants_json
from agent.projections import turn_search


@require_GET
@signed_in
def search(request: HttpRequest) -> HttpResponse:
    """Turns of one's own chats with the words of `q`, newest first; a page, or a list in JSON."""
    found = _found(request)
    if wants_json(request):
        return JsonResponse([_as_json(hit) for hit in found["hits"]], safe=False)
    return render(request, "agent/search.html", found)


@require_GET
@signed_in
def search_hits(request: HttpRequest) -> HttpResponse:
    """Fragment: the same turns, each a link to where it was said."""
    return render(request, "agent/_hits.html", _found(request))


def _found(request: HttpRequest) -> dict[str, Any]:
    q = request.GET.get("q", "").replace("\x00", "").strip()
    hits = turn_search.search(request.user.pk or 0, q)
    return {"q": q, "hits": hits, "most": turn_search.LIMIT if len(hits) == turn_search.LIMIT else 0}


def _as_json(hit: turn_search.Hit) -> dict[str, object]:
    snippet = "".join(piece.text for piece in hit.pieces)
    return {name: value for name, value in asdict(hit).items() if name != "pieces"} | {"snippet": snippet}
