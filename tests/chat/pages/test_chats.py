"""Beginning a chat, and what is done with one as a whole."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from chat.log.models import Event
from chat.story.models import Chat
from chat.turns.demo import demo_of
from tests.chat.pages.conftest import page
from tests.factories import cast_of, make_character, make_user, owner_of, say

pytestmark = pytest.mark.django_db

JSON = {"Accept": "application/json"}
NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)


# --- Beginning one -------------------------------------------------------------------------------------------


def test_a_form_begins_a_chat_with_the_chosen_cast_present(client, chat):
    owner = owner_of(chat)
    tom, vera = make_character(owner, "Tom", greeting="“Ahoy.”"), make_character(owner, "Vera")

    sent = {"title": "The Salt Road", "premise": "Mules.", "characters": [tom.pk, vera.pk], "scene_title": "Dawn"}
    answer = client.post("/chats/", sent)

    begun = Chat.objects.get(title="The Salt Road")
    assert answer["Location"] == f"/chats/{begun.id}/"
    assert (begun.scene_title, begun.present, begun.persona) == ("Dawn", [tom.pk, vera.pk], "You")
    assert [turn.text for turn in begun.turns.all()] == ["“Ahoy.”"]


def test_json_begins_a_chat(client, chat):
    characters = list(cast_of(chat).values())

    sent = {"title": "The Salt Road", "premise": "", "characters": characters, "persona": "Anna"}
    answer = client.post("/chats/", sent, content_type="application/json")

    assert answer.status_code == 201
    assert Chat.objects.get(id=answer.json()["id"]).persona == "Anna"


def test_a_chat_with_half_a_character_in_its_title_begins_without_it(client, chat):
    sent = {"title": "Salt \ud800", "characters": list(cast_of(chat).values())}
    answer = client.post("/chats/", sent, content_type="application/json")

    assert answer.status_code == 201
    assert Chat.objects.get(id=answer.json()["id"]).title == "Salt \ufffd"


def test_a_chat_in_json_without_an_end_is_refused(client):
    assert client.post("/chats/", "[" * 100_000, content_type="application/json").status_code == 400


def test_a_form_may_ask_for_json(client, chat):
    sent = {"title": "T", "premise": "", "characters": list(cast_of(chat).values())}

    assert client.post("/chats/", sent, headers=JSON).status_code == 201


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400),
        ("[]", 400),
        ('"x"', 400),
        ("{}", 422),
        ('{"title": "x", "characters": []}', 422),
        ('{"title": "x", "characters": [999999]}', 422),
        ('{"title": "x", "characters": ["one"]}', 422),
        ('{"title": "x", "characters": {"a": 1}}', 422),
        ('{"title": "", "characters": [1]}', 422),
        ('{"title": {"a": 1}}', 422),
        ('{"title": true}', 422),
        ('{"title": "a\\u0000b", "characters": [1]}', 422),
    ],
)
def test_json_that_cannot_be_used_is_refused_with_a_sentence(client, body, status):
    before = Chat.objects.count()

    answer = client.post("/chats/", body, content_type="application/json")

    assert answer.status_code == status
    assert answer.json()["detail"]
    assert Chat.objects.count() == before


def test_somebody_elses_character_cannot_be_cast(client):
    theirs = make_character(make_user(), "Theirs")

    answer = client.post("/chats/", {"title": "T", "characters": [theirs.pk]}, headers=JSON)

    assert answer.status_code == 422


def test_a_form_with_errors_keeps_what_was_typed(client, chat):
    mara = cast_of(chat)["Mara"]

    answer = client.post("/chats/", {"title": "", "premise": "A long premise & more", "characters": [mara]})

    html = answer.content.decode()
    assert answer.status_code == 422
    assert "A long premise &amp; more" in html
    assert f'value="{mara}" checked' in html
    assert 'role="alert"' in html


def test_a_new_chat_can_take_its_cast_from_another(client, chat):
    make_character(owner_of(chat), "Zoe")

    html = page(client, f"/chats/new/?from={chat.id}")

    assert html.count(" checked") == len(cast_of(chat))
    assert chat.premise in html


def test_adopting_a_cast_leads_to_a_new_chat_with_it(client, chat):
    answer = client.post("/characters/adopt/", {"chat": chat.id})

    assert answer["Location"] == f"/chats/new/?from={chat.id}"


def test_the_demo_is_at_hand_for_everybody_and_written_once():
    newcomer = make_user()
    client = Client()
    client.force_login(newcomer)

    first = client.post("/chats/demo/")
    second = client.post("/chats/demo/")

    assert first["Location"] == second["Location"] == f"/chats/{demo_of(newcomer)}/"


# --- As a whole ----------------------------------------------------------------------------------------------


def test_settings_save_what_changed_and_nothing_else(client, chat):
    before = Event.objects.count()

    sent = {"title": "Renamed", "premise": chat.premise, "persona": "", "persona_description": ""}
    answer = client.post(f"/chats/{chat.id}/info/", sent)

    chat.refresh_from_db()
    assert answer["Location"] == f"/chats/{chat.id}/info/"
    assert chat.title == "Renamed"
    assert list(Event.objects.order_by("position").values_list("kind", flat=True))[before:] == ["chat_renamed"]


def test_settings_with_errors_keep_what_was_typed(client, chat):
    answer = client.post(f"/chats/{chat.id}/info/", {"title": " ", "premise": "Rewritten"})

    assert answer.status_code == 422
    assert "Rewritten" in answer.content.decode()


def test_a_deleted_chat_comes_back_with_undo(client, chat):
    html = client.post(f"/chats/{chat.id}/delete/", follow=True).content.decode()

    assert f'formaction="/chats/{chat.id}/undelete/"' in html
    assert client.get(f"/chats/{chat.id}/info/").status_code == 404
    assert client.post(f"/chats/{chat.id}/undelete/")["Location"] == f"/chats/{chat.id}/"
    assert client.get(f"/chats/{chat.id}/info/").status_code == 200


def test_a_chat_that_comes_back_into_the_archive_says_so(client, chat):
    client.post(f"/chats/{chat.id}/archive/")
    client.post(f"/chats/{chat.id}/delete/")

    html = client.post(f"/chats/{chat.id}/undelete/", follow=True).content.decode()

    assert "“Night watch” is back, in the archive." in html
    assert "Archived · Scene 1" in " ".join(html.split())


def test_the_page_about_a_chat_has_one_name(client, chat):
    html = client.get(f"/chats/{chat.id}/info/").content.decode()

    assert "<title>About this chat: Night watch · Palimpsest</title>" in html
    assert "<h1>About this chat</h1>" in html
    assert "About this chat" in client.get("/").content.decode()


@pytest.mark.parametrize(
    ("deed", "back", "field"), [("pin", "unpin", "pinned_at"), ("archive", "unarchive", "archived_at")]
)
def test_what_is_done_can_be_undone(client, chat, deed, back, field):
    html = client.post(f"/chats/{chat.id}/{deed}/", follow=True).content.decode()

    chat.refresh_from_db()
    assert getattr(chat, field) is not None
    assert f'formaction="/chats/{chat.id}/{back}/"' in html
    client.post(f"/chats/{chat.id}/{back}/")
    chat.refresh_from_db()
    assert getattr(chat, field) is None


def test_a_deed_leads_where_its_form_says_but_never_to_another_site(client, chat):
    def pin(to: str) -> str:
        return client.post(f"/chats/{chat.id}/pin/", {"next": to})["Location"]

    assert pin("/characters/") == "/characters/"
    assert pin("https://elsewhere.example/") == f"/chats/{chat.id}/"
    assert pin("//elsewhere.example/") == f"/chats/{chat.id}/"


def test_a_character_joins_the_cast_and_the_scene(client, chat):
    tom = make_character(owner_of(chat), "Tom")

    client.post(f"/chats/{chat.id}/cast/", {"character": tom.pk})

    chat.refresh_from_db()
    assert cast_of(chat)["Tom"] == tom.pk
    assert tom.pk in chat.present


def test_scenes_open_close_and_are_named(client, chat):
    mara = cast_of(chat)["Mara"]

    client.post(f"/chats/{chat.id}/scene/rename/", {"title": "Dusk"})
    client.post(f"/chats/{chat.id}/scene/leave/", {"character": mara})
    chat.refresh_from_db()
    assert (chat.scene_title, mara in chat.present) == ("Dusk", False)

    client.post(f"/chats/{chat.id}/scene/enter/", {"character": mara})
    client.post(f"/chats/{chat.id}/scene/close/")
    chat.refresh_from_db()
    assert (chat.scene, chat.present) == (None, [])

    client.post(f"/chats/{chat.id}/scene/open/", {"title": "Dawn", "present": [mara]})
    chat.refresh_from_db()
    assert (chat.scene_number, chat.scene_title, chat.present) == (2, "Dawn", [mara])


def test_a_scene_without_the_cast_is_refused(client, chat):
    refused = client.post(f"/chats/{chat.id}/scene/open/", {"present": ["999"]}, headers=JSON)

    assert refused.status_code == 422
    assert refused.json()["detail"] == "This character is not in the cast of this story."


HOSTILE = [
    b"[" * 100_000, b'{"x": ' + b"[" * 5000 + b"]" * 5000 + b"}", b"9" * 9000, b"\xff", b"null",
    b'{"title": "\\u0000", "character": "\\ud800", "present": ["\\u0000"], "characters": "\\ud800", "name": "\\u0000"}',
    b'{"title": 7, "character": 1e400, "present": [true], "characters": {"a": 1}, "name": [[]]}',
    b'{"title": "\\ud800", "character": ' + b"9" * 400 + b', "present": [' + b"9" * 400 + b'], "characters": [-1]}',
]  # fmt: skip


@pytest.mark.parametrize("body", HOSTILE)
def test_what_cannot_be_read_is_refused_at_every_json_door(client, chat, body):
    doors = [f"/chats/{chat.id}/{door}" for door in POSTS if "delete" not in door]
    doors += ["/chats/", "/characters/", "/characters/adopt/", f"/characters/{cast_of(chat)['Mara']}/"]

    answers = {door: client.post(door, body, content_type="application/json", headers=JSON) for door in doors}

    assert {door: answer.status_code for door, answer in answers.items() if answer.status_code >= 500} == {}
    assert all(answer.json().get("detail") for answer in answers.values() if answer.status_code >= 400)


GETS = ["info/", "story.md", "turns/1/why/"]
POSTS = [
    "info/", "rename/", "pin/", "unpin/", "archive/", "unarchive/", "delete/", "undelete/", "cast/",
    "scene/open/", "scene/close/", "scene/rename/", "scene/enter/", "scene/leave/",
]  # fmt: skip


def test_a_chat_is_closed_to_outsiders_on_every_door(chat):
    outsider = Client()
    outsider.force_login(make_user())
    turn = say(chat, "Nobody else may read this.")

    gets = {path: outsider.get(f"/chats/{chat.id}/{path.replace('/1/', f'/{turn}/')}").status_code for path in GETS}
    posts = {path: outsider.post(f"/chats/{chat.id}/{path}").status_code for path in POSTS}

    assert Client().get(f"/chats/{chat.id}/info/").status_code == 302, "the doors exist"
    assert set(gets.values()) | set(posts.values()) == {404}
    assert outsider.post("/characters/adopt/", {"chat": chat.id}).status_code == 404
    assert outsider.get(f"/chats/new/?from={chat.id}").status_code == 404


def test_how_readily_others_speak_up_is_a_setting_of_the_chat(client, chat):
    page = f"/chats/{chat.id}/info/"
    assert '<option value="normal" selected>' in client.get(page).content.decode()

    client.post(page, {"title": chat.title, "premise": chat.premise, "interjections": "eager"})
    chat.refresh_from_db()

    assert chat.interjections == "eager"
    assert client.post(page, {"title": chat.title, "interjections": "always"}).status_code == 422
    client.post(page, {"title": "Another title"})
    chat.refresh_from_db()
    assert (chat.interjections, chat.title) == ("eager", "Another title")
