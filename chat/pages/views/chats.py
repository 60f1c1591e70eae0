"""The list of chats, beginning one, and what is done with a chat as a whole."""

from collections.abc import Callable
from typing import Any, cast

from django.contrib.auth.models import User
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from chat.errors import ChatError
from chat.log.text import whole
from chat.pages.answers import UNPROCESSABLE, View, notify, signed_in, wants_json
from chat.pages.doors import done, player
from chat.pages.forms import ChatForm, SettingsForm, number, posted, refuse_invalid, text
from chat.pages.lists import chat_list
from chat.pages.notices import model_notice
from chat.pages.writings import count_deleted
from chat.story.access import get_character_for, get_chat_for, get_deleted_chat_for
from chat.story.chat_payloads import Eagerness
from chat.story.models import Character, Chat
from chat.turns import chats as deeds
from chat.turns.demo import demo_of, write_demo


class NotYoursError(ChatError):
    """Only the one who began this chat can do that."""

    status = 403


@require_GET
@signed_in
def chats(request: HttpRequest) -> HttpResponse:
    """The list: pinned ones first, then by date; `q` searches titles, `archived` shows those put away."""
    user = player(request)
    q, archived = request.GET.get("q", "").strip(), bool(request.GET.get("archived"))
    sections = chat_list(user, q=q, archived=archived)
    if wants_json(request):
        return JsonResponse([_as_json(chat) for section in sections for chat in section.chats], safe=False)
    prefetch_related_objects([chat for section in sections for chat in section.chats], "cast")
    put_away = Chat.objects.visible_to(user.pk).exclude(archived_at=None).count()
    context = {"sections": sections, "q": q, "archived": archived, "put_away": put_away, "notice": model_notice(user)}
    return render(request, "chat/chats.html", context)


@require_http_methods(["GET", "POST"])
@signed_in
def chat_create(request: HttpRequest) -> HttpResponse:
    """Begin a chat; 201 with its id for JSON clients, browsers go to it."""
    if request.method == "GET":
        return redirect("chat_new")
    user = player(request)
    form = ChatForm(posted(request), owned=_owned(player(request)))
    if wants_json(request):
        refuse_invalid(form)
        return JsonResponse({"id": _begin(request, form)}, status=201)
    if form.is_valid():
        try:
            return redirect("chat", _begin(request, form))
        except ChatError as error:
            form.add_error(None, error.detail)
    return render(request, "chat/chat_new.html", _new_page(user, form), status=UNPROCESSABLE)


@require_GET
@signed_in
def chat_new(request: HttpRequest) -> HttpResponse:
    """The form of a new chat; `from` proposes the cast and the persona of a chat one has."""
    owned = _owned(player(request))
    initial: dict[str, Any] = {"characters": []}
    if (like := whole(request.GET.get("from", ""))) is not None:
        before = get_chat_for(request.user, like)
        names = set(before.cast.values_list("name", flat=True))
        persona = "" if before.persona == "You" else before.persona
        initial = {
            "characters": [*{one.name: one.pk for one in owned if one.name in names}.values()],
            "premise": before.premise,
            "persona": persona,
            "persona_description": before.persona_description,
        }
    form = ChatForm(initial=initial, owned=owned)
    return render(request, "chat/chat_new.html", _new_page(player(request), form))


@require_POST
@signed_in
def chat_demo(request: HttpRequest) -> HttpResponse:
    """Write the demo story for oneself, once, and go to it."""
    user = player(request)
    chat = demo_of(user)
    if chat is None or not Chat.objects.visible_to(user.pk).filter(id=chat).exists():
        chat = write_demo(user, now=timezone.now())
    return redirect("chat", chat)


@require_http_methods(["GET", "POST"])
@signed_in
def chat_info(request: HttpRequest, chat_id: int) -> HttpResponse:
    """Everything about a chat that is not its turns; POST saves title, premise, persona and interjections."""
    chat = get_chat_for(request.user, chat_id)
    if request.method == "GET":
        persona = "" if chat.persona == "You" else chat.persona
        form = SettingsForm(
            initial={
                "title": chat.title,
                "premise": chat.premise,
                "persona": persona,
                "persona_description": chat.persona_description,
                "interjections": chat.interjections,
            }
        )
        return render(request, "chat/chat_info.html", _info_page(request, chat, form))
    form = SettingsForm(posted(request))
    if wants_json(request):
        refuse_invalid(form)
    if not form.is_valid():
        return render(request, "chat/chat_info.html", _info_page(request, chat, form), status=UNPROCESSABLE)
    _save_head(request, chat, form.cleaned_data)
    if not wants_json(request):
        notify(request, "Saved.")
    return done(request, reverse("chat_info", args=[chat_id]))


@require_POST
@signed_in
def chat_rename(request: HttpRequest, chat_id: int) -> HttpResponse:
    """Give the chat another title (`title`)."""
    chat = get_chat_for(request.user, chat_id)
    deeds.rename(chat, title=text(posted(request), "title"), by=player(request))
    return done(request, reverse("chat", args=[chat_id]))


@require_POST
@signed_in
def cast_add(request: HttpRequest, chat_id: int) -> HttpResponse:
    """Put one of the user's characters (`character`) into the cast and into the open scene."""
    chat = get_chat_for(request.user, chat_id)
    character = get_character_for(request.user, number(posted(request), "character"))
    deeds.add_character(chat, character=character, by=player(request))
    if not wants_json(request):
        notify(request, f"{character.name} is in the cast now.")
    return done(request, reverse("chat", args=[chat_id]))


def _deed(act: Callable[..., None], sentence: str = "", *, to: str = "chat", undo: str = "") -> View:
    """A view that does one thing with a chat, says so, and offers to take it back."""

    @require_POST
    @signed_in
    def view(request: HttpRequest, chat_id: int) -> HttpResponse:
        act(get_chat_for(request.user, chat_id), by=player(request))
        if sentence and not wants_json(request):
            notify(request, sentence, undo=reverse(undo, args=[chat_id]) if undo else "")
        return done(request, reverse(to, args=[chat_id] if to == "chat" else []))

    return view


chat_pin = _deed(deeds.pin, "Pinned: it stands on top of the list.", undo="chat_unpin")
chat_unpin = _deed(deeds.unpin, "Unpinned.", undo="chat_pin")
chat_archive = _deed(deeds.archive, "Archived: it is out of the list.", to="chats", undo="chat_unarchive")
chat_unarchive = _deed(deeds.unarchive, "Back in the list.")


@require_POST
@signed_in
def chat_delete(request: HttpRequest, chat_id: int) -> HttpResponse:
    """Take the chat out of every list; the next page offers Undo. Its owner only."""
    chat = get_chat_for(request.user, chat_id)
    if chat.owner_id != request.user.pk:
        raise NotYoursError
    deeds.delete(chat, by=player(request))
    if wants_json(request):
        return JsonResponse({"done": True})
    notify(request, f"“{chat.title}” is deleted.", undo=reverse("chat_undelete", args=[chat_id]))
    return HttpResponseRedirect(reverse("chats"))


@require_POST
@signed_in
def chat_undelete(request: HttpRequest, chat_id: int) -> HttpResponse:
    """Bring a deleted chat back."""
    chat = get_deleted_chat_for(request.user, chat_id)
    deeds.undelete(chat, by=player(request))
    if chat.archived_at and not wants_json(request):
        notify(request, f"“{chat.title}” is back, in the archive.")
    return done(request, reverse("chat", args=[chat_id]))


def _owned(user: User) -> list[Character]:
    return list(Character.objects.filter(owner=user).order_by("name", "id"))


def _begin(request: HttpRequest, form: ChatForm) -> int:
    return deeds.begin_chat(player(request), **form.cleaned_data)


def _new_page(user: User, form: ChatForm) -> dict[str, Any]:
    return {"form": form, "characters": _owned(user)}


def _info_page(request: HttpRequest, chat: Chat, form: SettingsForm) -> dict[str, Any]:
    owned = _owned(player(request))
    members = [member.card | {"present": member.character in chat.present} for member in chat.cast.order_by("id")]
    in_cast = {card["id"] for card in members}
    return {
        "chat": chat,
        "form": form,
        "cast": members,
        "scenes": chat.scenes.order_by("number"),
        "others": [character for character in owned if character.pk not in in_cast],
        "owned_ids": {character.pk for character in owned},
        "mine": chat.owner_id == request.user.pk,
        "deleted": count_deleted(chat),
    }


def _save_head(request: HttpRequest, chat: Chat, sent: dict[str, str]) -> None:
    by = player(request)
    if sent["title"] != chat.title:
        deeds.rename(chat, title=sent["title"], by=by)
    if sent["premise"] != chat.premise:
        deeds.change_premise(chat, premise=sent["premise"], by=by)
    persona = (sent["persona"] or "You", sent["persona_description"])
    if persona != (chat.persona, chat.persona_description):
        deeds.change_persona(chat, name=persona[0], description=persona[1], by=by)
    eagerness = cast("Eagerness", sent["interjections"] or chat.interjections)
    if eagerness != chat.interjections:
        deeds.set_interjections(chat, eagerness=eagerness, by=by)


def _as_json(chat: Chat) -> dict[str, Any]:
    return {
        "id": chat.id,
        "title": chat.title,
        "preview": chat.preview,
        "turns": chat.turn_count,
        "last_turn_at": chat.last_turn_at,
        "pinned": chat.pinned_at is not None,
    }
