"""The chat page and what it posts: turns, Stop, Retry; and the fragments it is kept fresh with."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chat.database import in_thread
from chat.errors import ChatError
from chat.pages import lists, story_page, told
from chat.pages.answers import fields, from_browser, signed_in, wants_json
from chat.pages.doors import player
from chat.story.access import get_chat_for
from chat.story.models import Chat
from chat.turns import exchange, variants
from chat.turns.announce import chosen


@require_safe
@signed_in
def chat(request: HttpRequest, chat_id: int) -> HttpResponse:
    """The chat page: the newest turns, those `?before=` a place, or those round the place `?at=`."""
    page = story_page.story_page(request, chat_id)
    over = told.tell(request, page["chat"])
    answer = render(request, "chat/chat.html", page)
    if over:
        told.forget(answer, page["chat"])
    return answer


@require_http_methods(["GET", "POST"])
@signed_in
async def turns(request: HttpRequest, chat_id: int) -> HttpResponse:
    """GET: every live turn in story order, as JSON. POST: say something, or nothing so that someone goes on."""
    story = await in_thread(get_chat_for, request.user, chat_id)
    if request.method == "GET":
        return JsonResponse(await in_thread(_all_turns, story), safe=False)
    try:
        posted = await _post(request, story)
    except ChatError as error:
        if wants_json(request):
            raise
        return await in_thread(_refused, request, chat_id, error)
    if wants_json(request):
        return JsonResponse({"turn_id": posted.turn_id}, status=201)
    return redirect("chat", chat_id)


@require_POST
@signed_in
async def cancel(request: HttpRequest, chat_id: int) -> HttpResponse:
    """Stop the running reply; what is written so far is kept."""
    story = await in_thread(get_chat_for, request.user, chat_id)
    cancelled = await exchange.stop(story)
    if from_browser(request):
        return redirect("chat", chat_id)
    return JsonResponse({"cancelled": cancelled})


@require_POST
@signed_in
async def retry(request: HttpRequest, chat_id: int) -> HttpResponse:
    """Try a reply again that failed or was cut off: the `generation` named, or the newest."""
    story = await in_thread(get_chat_for, request.user, chat_id)
    generation = fields(request).get("generation", "").replace("\x00", "") or None
    await exchange.retry(story, user=player(request), generation=generation, announcer=chosen())
    return JsonResponse({"retrying": True}) if wants_json(request) else redirect("chat", chat_id)


@require_safe
@signed_in
def older(request: HttpRequest, chat_id: int) -> HttpResponse:
    """Fragment: the turns `?before=` a place; without one the newest."""
    story = get_chat_for(request.user, chat_id)
    return render(request, "chat/_older.html", story_page.older_page(story, story_page.place_in(request, "before")))


@require_safe
@signed_in
def panel(request: HttpRequest, chat_id: int) -> HttpResponse:
    """Fragment: header, cast and scene, who may speak next, and the reply that is due."""
    story = get_chat_for(request.user, chat_id)
    return render(request, "chat/_head_and_panel.html", story_page.head_and_panel(request, story))


@require_safe
@signed_in
def sidebar(request: HttpRequest, chat_id: int) -> HttpResponse:
    """Fragment: the list of chats whose title has the words of `?q=`, this one marked."""
    story = get_chat_for(request.user, chat_id)
    q = request.GET.get("q", "").strip()
    sections = lists.chat_list(request.user, q=q)
    return render(request, "chat/_chat_list.html", {"chat": story, "sections": sections, "q": q})


async def _post(request: HttpRequest, story: Chat) -> exchange.Posted:
    given = fields(request)
    text, named = given.get("text", ""), given.get("speaker")
    speaker = await in_thread(exchange.find_speaker, story, "" if named is None else str(named))
    return await exchange.post_turn(
        story,
        user=player(request),
        text=text,
        speaker=speaker,
        key=request.headers.get("Idempotency-Key") or None,
        announcer=chosen(),
    )


def _refused(request: HttpRequest, chat_id: int, error: ChatError) -> HttpResponse:
    """The page again with the sentence and what was typed: a refusal must not cost a player their words."""
    # That nobody is here, the composer says already.
    refusal = "" if isinstance(error, exchange.EmptyCastError) else error.detail
    context = story_page.story_page(request, chat_id, draft=request.POST.get("text", ""), refusal=refusal)
    return render(request, "chat/chat.html", context, status=error.status)


def _all_turns(story: Chat) -> list[dict[str, Any]]:
    turns = list(story.turns.live().in_story_order())
    numbers = variants.numbered(turns)
    return [
        {
            "id": turn.id,
            "place": turn.place,
            "kind": turn.kind,
            "speaker": turn.speaker_name,
            "speaker_id": turn.speaker,
            "text": turn.text,
            "state": turn.state,
            "regenerated_from": turn.regenerated_from,
            "interjection_of": turn.interjection_of,
            "variants": numbers[turn.id].total,
        }
        for turn in turns
    ]
