"""The doors of the chat page: who gets in, what they post, what they get back."""

import pytest
from django.test import AsyncClient, Client

from chat.database import in_thread
from chat.story.models import Chat, Turn
from chat.turns import generation, scenes
from tests.factories import cast_of, make_user, owner_of
from tests.model_server import ScriptedModelServer
from tests.model_server import say as answer

pytestmark = pytest.mark.django_db(transaction=True)

JSON = {"Accept": "application/json"}


@pytest.fixture
async def async_player(chat: Chat, settings) -> AsyncClient:
    """A player whose replies are settled before the test ends."""
    client = AsyncClient()
    with ScriptedModelServer() as server:
        server.default = answer("“Aye.”")
        settings.MODEL_URL, settings.MODEL = server.url, "scripted"
        await in_thread(client.force_login, await in_thread(owner_of, chat))
        yield client
        await generation.idle()


# --- Who gets in ---------------------------------------------------------------------------------------------

DOORS = [
    ("get", ""), ("get", "turns/"), ("post", "turns/"), ("get", "older/"), ("post", "turns/cancel/"),
    ("post", "retry/"), ("get", "sidebar/"), ("get", "panel/"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "door"), DOORS)
def test_a_strangers_chat_is_not_there(chat, method, door):
    stranger = Client()
    stranger.force_login(make_user())

    page = getattr(stranger, method)(f"/chats/{chat.id}/{door}", headers={"Accept": "text/html"})
    problem = getattr(stranger, method)(f"/chats/{chat.id}/{door}", headers=JSON)

    assert page.status_code == problem.status_code == 404
    assert problem.json() == {"status": 404, "detail": "There is no such story, or it is not yours to see."}
    assert "There is no such story" in page.content.decode()


@pytest.mark.parametrize(("method", "door"), DOORS)
def test_nobody_gets_in_without_signing_in(chat, method, door):
    page = getattr(Client(), method)(f"/chats/{chat.id}/{door}", headers={"Accept": "text/html"})
    problem = getattr(Client(), method)(f"/chats/{chat.id}/{door}", headers=JSON)

    assert page.status_code == 302
    assert page["Location"].startswith("/accounts/login/?next=/chats/")
    assert problem.status_code == 401


def test_a_post_without_the_token_is_refused(chat):
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(owner_of(chat))

    assert forged.post(f"/chats/{chat.id}/turns/", {"text": "x"}).status_code == 403
    assert not chat.turns.exists()


def test_a_script_without_the_csrf_token_is_told_what_to_send(chat):
    script = Client(enforce_csrf_checks=True)
    script.force_login(owner_of(chat))

    refused = script.post(f"/chats/{chat.id}/turns/", {"text": "Hm"}, headers={"accept": "application/json"})

    assert refused.status_code == 403
    assert "X-CSRFToken" in refused.json()["detail"]


# --- Posting -------------------------------------------------------------------------------------------------


async def test_a_turn_by_json_is_recorded_and_answered(async_player, chat):
    answered = await async_player.post(
        f"/chats/{chat.id}/turns/", {"text": "Mara?"}, content_type="application/json", headers=JSON
    )

    assert answered.status_code == 201
    turn = await Turn.objects.aget(id=answered.json()["turn_id"])
    assert (turn.text, turn.kind) == ("Mara?", "user_turn")
    await generation.idle()
    assert await chat.turns.live().acount() == 2


async def test_a_turn_by_form_leads_back_to_the_story(async_player, chat):
    answered = await async_player.post(
        f"/chats/{chat.id}/turns/", {"text": "Ilse?", "speaker": "ilse"}, headers={"Accept": "text/html"}
    )

    assert answered.status_code == 302
    assert answered["Location"] == f"/chats/{chat.id}/"
    await generation.idle()
    assert [turn.speaker_name async for turn in chat.turns.live().order_by("place")][-1] == "Ilse"


async def test_nothing_said_lets_someone_go_on(async_player, chat):
    answered = await async_player.post(f"/chats/{chat.id}/turns/", {"text": " "}, headers=JSON)

    assert (answered.status_code, answered.json()) == (201, {"turn_id": None})
    await generation.idle()
    assert [turn.kind async for turn in chat.turns.live()] == ["assistant_turn"]


async def test_the_same_key_posts_one_turn(async_player, chat):
    key = {**JSON, "Idempotency-Key": "k1"}
    first = await async_player.post(f"/chats/{chat.id}/turns/", {"text": "Once."}, headers=key)
    again = await async_player.post(f"/chats/{chat.id}/turns/", {"text": "Once."}, headers=key)
    other = await async_player.post(f"/chats/{chat.id}/turns/", {"text": "Twice."}, headers=key)

    assert first.json() == again.json()
    assert other.status_code == 422


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b"\xff", 400),
        (b"[" * 100_000, 400),
        (b'{"text": ' + b"[" * 5000 + b"]" * 5000 + b"}", 400),
        (b'{"text": 7}', 422),
        (b'{"text": "x", "speaker": "Nobody"}', 422),
        (b'{"text": "x", "speaker": {"a": 1}}', 422),
        (b'{"text": "x", "speaker": ' + b"9" * 400 + b"}", 422),
        (b'{"text": "x", "speaker": ' + b"9" * 9000 + b"}", 400),
        (b'{"text": "x", "speaker": "\\u0000\\ud800"}', 422),
    ],
)
def test_a_malformed_turn_is_refused_with_a_sentence(client, chat, body, status):
    answered = client.post(f"/chats/{chat.id}/turns/", body, content_type="application/json")

    assert answered.status_code == status
    assert answered.json()["detail"]
    assert not chat.turns.exists()


async def test_a_turn_with_half_a_character_is_recorded_without_it(async_player, chat):
    sent = {"text": "a \ud800 b"}
    answered = await async_player.post(f"/chats/{chat.id}/turns/", sent, content_type="application/json")

    assert answered.status_code == 201
    assert (await Turn.objects.aget(id=answered.json()["turn_id"])).text == "a \ufffd b"


def test_a_refused_turn_costs_a_browser_none_of_its_words(client, chat):
    scenes.leave(chat, character=cast_of(chat)["Ilse"], by=owner_of(chat))
    sent = {"text": "Are you <here>?", "speaker": "Ilse"}

    answered = client.post(f"/chats/{chat.id}/turns/", sent, headers={"Accept": "text/html"})

    assert answered.status_code == 409
    html = answered.content.decode()
    assert "Are you &lt;here&gt;?</textarea>" in html
    assert "Who is to speak is not in the scene." in html


def test_with_nobody_present_a_line_is_recorded_and_going_on_is_refused(client, chat):
    scenes.close_scene(chat, by=owner_of(chat))

    said = client.post(f"/chats/{chat.id}/turns/", {"text": "Is anybody here?"}, headers=JSON)
    refused = client.post(f"/chats/{chat.id}/turns/", {"text": ""}, headers=JSON)
    page = client.post(f"/chats/{chat.id}/turns/", {"text": ""}, headers={"Accept": "text/html"})

    assert (said.status_code, refused.status_code, page.status_code) == (201, 409, 409)
    assert refused.json()["detail"] == "Nobody is here who could go on. Open a scene, or let someone enter, first."
    assert page.content.decode().count("Nobody is here") == 1
    assert not chat.generations.exists()


def test_stopping_when_nothing_runs_says_so(client, chat):
    assert client.post(f"/chats/{chat.id}/turns/cancel/").json() == {"cancelled": False}
    back = client.post(f"/chats/{chat.id}/turns/cancel/", headers={"Accept": "text/html"})
    assert back["Location"] == f"/chats/{chat.id}/"


def test_retrying_where_nothing_failed_is_refused(client, chat):
    assert client.post(f"/chats/{chat.id}/retry/", headers=JSON).status_code == 409
    assert client.post(f"/chats/{chat.id}/retry/", {"generation": "\x00"}, headers=JSON).status_code == 409


def test_too_many_turns_are_told_when_to_come_back(client, chat, settings):
    settings.TURNS_PER_MINUTE = 1
    scenes.close_scene(chat, by=owner_of(chat))
    client.post(f"/chats/{chat.id}/turns/", {"text": "x"}, headers=JSON)

    answered = client.post(f"/chats/{chat.id}/turns/", {"text": "x"}, headers=JSON)

    assert answered.status_code == 429
    assert int(answered["Retry-After"]) > 0
