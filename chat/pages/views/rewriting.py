"""Rewriting, editing, deleting and restoring turns; what that undoes, and the writings of a turn."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chat.database import in_thread
from chat.pages import told, writings
from chat.pages.answers import fields, from_browser, notify, signed_in
from chat.pages.doors import player
from chat.pages.forms import posted, text
from chat.story.access import get_chat_for
from chat.story.models import Chat
from chat.turns import claims, regenerate, rewriting, undoing
from chat.turns.announce import chosen
from chat.turns.standing import standing_beside

ACCEPTED, CREATED = 202, 201


@require_http_methods(["GET", "POST"])
@signed_in
async def turn_regenerate(request: HttpRequest, chat_id: int, turn_id: int) -> HttpResponse:
    """GET: what a new writing would undo, as JSON or a page. POST: begin one (optional `guidance`)."""
    chat = await in_thread(get_chat_for, request.user, chat_id)
    if request.method == "GET":
        return await in_thread(_before_rewriting, request, chat, turn_id)
    begun = await regenerate.regenerate_assistant_turn(
        chat,
        turn=turn_id,
        guidance=fields(request).get("guidance", ""),
        user=player(request),
        announcer=chosen(),
    )
    answer: HttpResponse = JsonResponse({"generation": begun}, status=ACCEPTED)
    if from_browser(request):
        answer = HttpResponseRedirect(await in_thread(_address, chat, turn_id))
    told.remember(answer, chat, begun)
    return answer


@require_http_methods(["GET", "POST"])
@signed_in
async def turn_rewrite_from(request: HttpRequest, chat_id: int, turn_id: int) -> HttpResponse:
    """GET: how many replies there are from this one on, and what goes with them. POST: rewrite them all, in order."""
    chat = await in_thread(get_chat_for, request.user, chat_id)
    if request.method == "GET":
        return await in_thread(_before_rewriting_on, request, chat, turn_id)
    replies = await regenerate.rewrite_from(chat, turn=turn_id, user=player(request), announcer=chosen())
    if from_browser(request):
        return HttpResponseRedirect(await in_thread(_address, chat, turn_id))
    return JsonResponse({"replies": len(replies), "rewrites": replies}, status=ACCEPTED)


@require_http_methods(["GET", "POST"])
@signed_in
def turn_edit(request: HttpRequest, chat_id: int, turn_id: int) -> HttpResponse:
    """POST: say a turn otherwise (`text`); GET: the form for it."""
    chat = get_chat_for(request.user, chat_id)
    if request.method == "GET":
        turn = claims.find_turn(chat, turn_id)
        return render(request, "chat/edit.html", writings.edit_page(chat, turn))
    written = rewriting.edit(chat, turn=turn_id, text=text(posted(request), "text"), by=player(request))
    changed = written != turn_id
    sentence = "Changed." if changed else "Nothing was changed."
    undo = reverse("turn_restore", args=[chat_id, turn_id]) if changed else ""
    went = undoing.what_went(claims.find_turn(chat, turn_id)) if changed else ""
    if from_browser(request):
        return _told(request, chat, written, f"{sentence} {went}".strip(), undo)
    answer = {"turn_id": written, "told": sentence, "went": went, "undo": undo}
    return JsonResponse(answer, status=CREATED)


@require_POST
@signed_in
def turn_restore(request: HttpRequest, chat_id: int, turn_id: int) -> HttpResponse:
    """Let another writing stand again; what stood in its place can be restored in turn."""
    chat = get_chat_for(request.user, chat_id)
    risen = claims.find_turn(chat, turn_id)
    stood, back = standing_beside(risen), undoing.taken_along(risen)
    rewriting.restore(chat, turn=turn_id, by=player(request))
    undo = reverse("turn_restore", args=[chat_id, stood.id]) if stood else ""
    went = [undoing.sentence(back, "came back with it.")]
    if stood:
        went.append(undoing.sentence(undoing.taken_along(stood), "went with the other."))
    return _done(request, chat, turn_id, "This writing stands again.", undo, went=" ".join(filter(None, went)))


@require_POST
@signed_in
def turn_delete(request: HttpRequest, chat_id: int, turn_id: int) -> HttpResponse:
    """Take a turn out of the story, a player's with the replies to it."""
    chat = get_chat_for(request.user, chat_id)
    rewriting.delete(chat, turn=turn_id, by=player(request))
    undo = reverse("turn_undelete", args=[chat_id, turn_id])
    went = undoing.what_went(claims.find_turn(chat, turn_id))
    return _done(request, chat, turn_id, "The turn is deleted.", undo, went=went)


@require_POST
@signed_in
def turn_undelete(request: HttpRequest, chat_id: int, turn_id: int) -> HttpResponse:
    """Bring a deleted turn back, with all that went with it."""
    chat = get_chat_for(request.user, chat_id)
    back = undoing.taken_along(claims.find_turn(chat, turn_id))
    rewriting.undelete(chat, turn=turn_id, by=player(request))
    came, undo = undoing.sentence(back, "came back with it."), reverse("turn_delete", args=[chat_id, turn_id])
    return _done(request, chat, turn_id, "The turn is back.", undo, went=came)


@require_safe
@signed_in
def turns_deleted(request: HttpRequest, chat_id: int) -> HttpResponse:
    """The turns that were deleted, newest deletion first, each with the way to bring it back."""
    chat = get_chat_for(request.user, chat_id)
    return render(request, "chat/deleted.html", writings.deleted_page(chat))


@require_safe
@signed_in
def turn_variants(request: HttpRequest, chat_id: int, turn_id: int) -> HttpResponse:
    """The writings of a turn, as JSON; for browsers a page that compares the one of `?with=` to what stands."""
    chat = get_chat_for(request.user, chat_id)
    turn = claims.find_turn(chat, turn_id)
    if from_browser(request):
        return render(request, "chat/writings.html", writings.comparison(chat, turn, request.GET.get("with", "")))
    return JsonResponse(writings.variants_json(chat, turn), safe=False)


@require_safe
@signed_in
def written_before(request: HttpRequest, chat_id: int) -> HttpResponse:
    """The turns, of the newest or those from `?first=` on, that were written before an earlier one was changed."""
    return JsonResponse(writings.marked(request, get_chat_for(request.user, chat_id)))


def _before_rewriting(request: HttpRequest, chat: Chat, turn_id: int) -> HttpResponse:
    turn = claims.find_standing_reply(chat, turn_id)
    if from_browser(request):
        return render(request, "chat/rewrite.html", writings.rewrite_page(chat, turn))
    return JsonResponse(writings.undone_json(chat, turn))


def _before_rewriting_on(request: HttpRequest, chat: Chat, turn_id: int) -> HttpResponse:
    replies = regenerate.replies_from(chat, turn=turn_id)
    if from_browser(request):
        return render(request, "chat/rewrite_from.html", writings.rewrite_from_page(chat, replies))
    return JsonResponse({"replies": len(replies)} | undoing.undone_by_all(chat, replies).counts)


def _done(  # noqa: PLR0913  (what is told of a deed)
    request: HttpRequest, chat: Chat, turn_id: int, sentence: str, undo: str, *, went: str
) -> HttpResponse:
    if from_browser(request):
        return _told(request, chat, turn_id, f"{sentence} {went}".strip(), undo)
    answer: dict[str, Any] = {"done": True, "told": sentence, "went": went, "undo": undo}
    return JsonResponse(answer)


def _told(request: HttpRequest, chat: Chat, turn_id: int, sentence: str, undo: str) -> HttpResponse:
    notify(request, sentence, undo=undo)
    return HttpResponseRedirect(_address(chat, turn_id))


def _address(chat: Chat, turn_id: int) -> str:
    """The chat's page, opened at the turn."""
    page = reverse("chat", args=[chat.id])
    turn = standing_beside(claims.find_turn(chat, turn_id))
    return f"{page}?at={turn.place}#turn-{turn.id}" if turn else page
