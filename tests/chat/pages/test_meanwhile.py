"""A meanwhile through its door, on the page and in the downloaded story."""

import pytest
from django.test import Client

from chat.story.meanwhile_payloads import MeanwhileOpened
from chat.story.models import Chat, Meanwhile
from chat.story.payloads import AssistantTurn
from chat.turns import scenes
from tests.factories import cast_of, make_chat, owner_of, say
from tests.facts import record
from tests.model_server import ScriptedModelServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def chat() -> Chat:
    chat = make_chat(names=("Mara", "Ilse", "Tom"))
    for name in ("Ilse", "Tom"):
        scenes.leave(chat, character=cast_of(chat)[name], by=owner_of(chat))
    return Chat.objects.get(id=chat.id)


@pytest.fixture
def client(chat: Chat) -> Client:
    client = Client()
    client.force_login(owner_of(chat))
    return client


@pytest.fixture
def server(settings):
    with ScriptedModelServer() as server:
        settings.MODEL_URL, settings.MODEL = server.url, "scripted"
        yield server


def told(chat: Chat, direction: str = "at the harbour") -> None:
    cast = cast_of(chat)
    there = (cast["Ilse"], cast["Tom"])
    (opened,) = record(chat, MeanwhileOpened(characters=there, direction=direction, turns=2))
    for name, text in (("Tom", "Eleven masts."), ("Ilse", "There were twelve.\nI counted.")):
        record(chat, AssistantTurn(speaker=cast[name], text=text, group=opened, meanwhile=opened))


def test_json_begins_a_meanwhile(server, client, chat):
    there = [cast_of(chat)[name] for name in ("Ilse", "Tom")]

    sent = {"characters": there, "direction": "They count masts.", "turns": 1}
    answer = client.post(f"/chats/{chat.id}/meanwhile/", sent, content_type="application/json")

    assert answer.status_code == 202
    opened = Meanwhile.objects.get(id=answer.json()["meanwhile"])
    assert (opened.characters, opened.direction) == (there, "They count masts.")
    assert answer.json()["generation"]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"characters": [], "turns": 2}, 422),
        ({"characters": [1, 2], "turns": 2}, 422),
        ({"characters": ["x"], "turns": 2}, 422),
        ({"characters": [10**30, 1], "turns": 2}, 422),
        ({"continues": 10**30}, 422),
        ({"turns": 2}, 422),
        ({"characters": [1, 2]}, 422),
        ({"continues": 3}, 404),
    ],
)
def test_what_cannot_be_begun_is_refused(client, chat, sent, status):
    answer = client.post(f"/chats/{chat.id}/meanwhile/", sent, content_type="application/json")

    assert answer.status_code == status


def test_a_stranger_finds_nothing(client, chat):
    stranger = Client()
    stranger.force_login(owner_of(make_chat()))

    assert stranger.post(f"/chats/{chat.id}/meanwhile/", {"turns": 1}).status_code == 404


def test_the_page_offers_those_who_are_away(client, chat):
    page = " ".join(client.get(f"/chats/{chat.id}/").content.decode().split())

    cast = cast_of(chat)
    assert f'name="characters" value="{cast["Ilse"]}" checked>' in page
    assert f'name="characters" value="{cast["Mara"]}" >' in page


def test_the_page_sets_a_meanwhile_apart_and_offers_to_go_on(client, chat):
    told(chat, direction="<b>at the harbour</b>")

    page = " ".join(client.get(f"/chats/{chat.id}/").content.decode().split())

    assert page.count('class="turn meanwhile odd said"') == 2
    assert "<p>&lt;b&gt;at the harbour&lt;/b&gt;</p>" in page
    assert "Only Ilse and Tom will know of this." in page
    assert f'name="continues" value="{Meanwhile.objects.get().id}"' in page


def test_the_downloaded_story_sets_it_apart(client, chat):
    say(chat, "Who is there?")
    told(chat)
    say(chat, "Hm.")

    story = client.get(f"/chats/{chat.id}/story.md").content.decode()

    assert story.endswith(
        "\n**You:** Who is there?\n"
        "\n> *Meanwhile: at the harbour*\n>\n> **Tom:** Eleven masts.\n"
        ">\n> **Ilse:** There were twelve.\n> I counted.\n"
        "\n**You:** Hm.\n"
    )
