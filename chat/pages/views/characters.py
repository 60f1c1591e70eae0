"""The gallery of a user's characters and the sheet of each."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from chat.errors import ChatError
from chat.pages.answers import UNPROCESSABLE, notify, signed_in, wants_json
from chat.pages.doors import done, player
from chat.pages.forms import CharacterForm, number, posted, refuse_invalid
from chat.story.access import get_character_for, get_chat_for
from chat.story.models import Character, Chat
from chat.turns.characters import adopt_cast, create_character, revise_character
from chat.turns.portraits import PortraitError, store_portrait

SHEET = ("description", "personality", "scenario_note", "greeting", "example_dialogue")


@require_http_methods(["GET", "POST"])
@signed_in
def characters(request: HttpRequest) -> HttpResponse:
    """The gallery; POST writes a new character: 201 with its id for JSON clients."""
    if request.method == "POST":
        return _write(request)
    owned = Character.objects.filter(owner_id=request.user.pk).order_by("name", "id")
    if wants_json(request):
        return JsonResponse([{"id": one.pk, "name": one.name, "tags": one.tags} for one in owned], safe=False)
    return render(request, "chat/characters.html", {"characters": [(one, one.card()) for one in owned]})


@require_GET
@signed_in
def character_new(request: HttpRequest) -> HttpResponse:
    """An empty sheet."""
    return render(request, "chat/character.html", _sheet(request, CharacterForm()))


@require_http_methods(["GET", "POST"])
@signed_in
def character(request: HttpRequest, character_id: int) -> HttpResponse:
    """A character's sheet; POST saves it, here and in the chats it plays in."""
    one = get_character_for(request.user, character_id)
    if request.method == "GET":
        written = {name: getattr(one, name) for name in ("name", *SHEET, "talkativeness")}
        form = CharacterForm(initial=written | {"tags": ", ".join(one.tags)})
        return render(request, "chat/character.html", _sheet(request, form, one))
    return _write(request, one)


@require_POST
@signed_in
def adopt(request: HttpRequest) -> HttpResponse:
    """Take the cast of a chat (`chat`) into one's own characters, and propose it for a new chat."""
    chat = get_chat_for(request.user, number(posted(request), "chat"))
    adopted = adopt_cast(player(request), chat)
    if wants_json(request):
        return JsonResponse({"characters": [one.pk for one in adopted]}, status=201)
    return redirect(reverse("chat_new", query={"from": chat.id}))


def _write(request: HttpRequest, one: Character | None = None) -> HttpResponse:
    """Keep what was sent, as a new character or of `one`; a browser gets the sheet back with what is wrong."""
    form = CharacterForm(posted(request), request.FILES)
    if wants_json(request):
        refuse_invalid(form)
        kept = _keep(request, form, one)
        return done(request, "") if one else JsonResponse({"id": kept.pk}, status=201)
    if form.is_valid():
        try:
            kept = _keep(request, form, one)
        except PortraitError as error:
            form.add_error("portrait", error.detail)
        except ChatError as error:
            form.add_error(None, error.detail)
        else:
            notify(request, f"{kept.name} is {'saved' if one else 'in your gallery'}.")
            return done(request, reverse("characters"))
    return render(request, "chat/character.html", _sheet(request, form, one), status=UNPROCESSABLE)


def _keep(request: HttpRequest, form: CharacterForm, one: Character | None) -> Character:
    portrait = _portrait(form)
    if one is None:
        return create_character(player(request), form.details(), portrait=portrait or "")
    revise_character(one, form.details(), by=player(request), portrait=portrait)
    return one


def _portrait(form: CharacterForm) -> str | None:
    """The name to keep: a new picture's, "" to take the old one away, None to leave it. PortraitError."""
    if uploaded := form.cleaned_data["portrait"]:
        return store_portrait(uploaded.read())
    return "" if form.cleaned_data["remove_portrait"] else None


def _sheet(request: HttpRequest, form: CharacterForm, one: Character | None = None) -> dict[str, Any]:
    playing = (
        Chat.objects.visible_to(request.user.pk).filter(cast__character=one.pk).order_by("-last_turn_at") if one else []
    )
    return {"form": form, "character": one, "card": one.card() if one else None, "playing": playing}
