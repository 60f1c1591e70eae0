"""Letting characters talk among themselves, elsewhere, and go on with it."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from chat.database import in_thread
from chat.pages.answers import signed_in, wants_json
from chat.pages.doors import player
from chat.pages.forms import number, numbers, posted, text
from chat.story.access import get_chat_for
from chat.turns import meanwhile as deeds
from chat.turns.announce import chosen
from chat.turns.claims import Claim

#: When a meanwhile goes on, unless told otherwise.
MORE_TURNS = 2


@require_POST
@signed_in
async def meanwhile(request: HttpRequest, chat_id: int) -> HttpResponse:
    """Begin a meanwhile (`characters` repeated, `direction`, `turns`), or go on with one (`continues`)."""
    claim = await _begun(request, chat_id)
    if wants_json(request):
        return JsonResponse({"meanwhile": claim.meanwhile, "generation": claim.generation}, status=202)
    return redirect("chat", chat_id)


async def _begun(request: HttpRequest, chat_id: int) -> Claim:
    chat, sent = await in_thread(get_chat_for, request.user, chat_id), posted(request)
    if "continues" in sent:
        return await deeds.continue_meanwhile(
            chat,
            user=player(request),
            meanwhile=number(sent, "continues"),
            turns=number(sent, "turns") if "turns" in sent else MORE_TURNS,
            announcer=chosen(),
        )
    return await deeds.open_meanwhile(
        chat,
        user=player(request),
        characters=numbers(sent, "characters"),
        direction=text(sent, "direction") if "direction" in sent else "",
        turns=number(sent, "turns"),
        announcer=chosen(),
    )
