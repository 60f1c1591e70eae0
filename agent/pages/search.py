"""The search over all one's chats, as Ctrl+K shows it."""

from dataclasses import asdict

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from agent.pages.doors import signed_in, wants_json
from agent.projections import turn_search


@require_GET
@signed_in
def search(request: HttpRequest) -> HttpResponse:
    """Turns of one's own chats with the words of `q`, newest first; a fragment, or a list in JSON."""
    q = request.GET.get("q", "").strip()
    hits = turn_search.search(request.user.pk or 0, q)
    if wants_json(request):
        return JsonResponse([_as_json(hit) for hit in hits], safe=False)
    return render(request, "agent/_hits.html", {"q": q, "hits": hits})


def _as_json(hit: turn_search.Hit) -> dict[str, object]:
    snippet = "".join(piece.text for piece in hit.pieces)
    return {name: value for name, value in asdict(hit).items() if name != "pieces"} | {"snippet": snippet}
