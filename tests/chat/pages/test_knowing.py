"""What one can find out: why a reply came about, which model answers; and a story taken along."""

import pytest
from django.test import Client
from django.utils import timezone

from chat.pages.notices import model_notice
from chat.story import writer
from chat.story.models import Chat
from chat.story.payloads import AssistantTurn
from chat.turns import scenes
from chat.turns.models import Generation
from tests.factories import cast_of, make_chat, make_user, owner_of, say
from tests.model_server import ScriptedModelServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(django_user_model) -> Client:
    client = Client()
    client.force_login(django_user_model.objects.create_superuser("operator"))
    return client


def reply(chat: Chat, text: str, *, state: str = "complete", **asked: object) -> int:
    """A character's turn; with a record of the asking when `asked` says something."""
    mara, now = cast_of(chat)["Mara"], timezone.now()
    said = AssistantTurn(speaker=mara, text=text, state=state, generation="g1" if asked else "")
    turn = writer.write(chat.id, [said], writer.Source(actor="system", at=now)).events[0].position
    if asked:
        Generation.objects.create(
            id="g1", chat=chat, state="finished", group=1, answers_up_to=1, speaker=mara, speaker_name="Mara",
            started_at=now, leased_until=now, turn=turn, **asked,
        )  # fmt: skip
    return turn


def test_why_shows_the_prompt_as_it_was_sent_and_how_it_went(client, chat):
    prompt = {
        "messages": [
            {"role": "system", "content": "You are <b>Mara</b>."},
            {"role": "user", "content": "You: Who is there?"},
        ],
        "stop": ["\nIlse:"],
        "max_tokens": 500,
        "temperature": 0.9,
    }
    turn = reply(
        chat,
        "“I am.”",
        prompt=prompt,
        model="llama3.1",
        prompt_tokens=321,
        completion_tokens=7,
        first_token_ms=123,
        duration_ms=456,
        thinking="She would be short.",
    )

    html = client.get(f"/chats/{chat.id}/turns/{turn}/why/").content.decode()

    shown = ["llama3.1", "321 tokens", "7 tokens", "123 ms", "456 ms", "You: Who is there?", "0.9", "500", "“Ilse:”"]
    assert [word for word in [*shown, "She would be short."] if word not in html] == []
    assert "You are &lt;b&gt;Mara&lt;/b&gt;." in html
    assert "{&#x27;" not in html, "no dump"


def test_why_shows_the_script_a_small_model_wrote_on(client, chat):
    turn = reply(
        chat, "“I am.”", prompt={"script": "A play.\nMara:", "stop": ["\n"], "max_tokens": 50}, model="builtin"
    )

    html = client.get(f"/chats/{chat.id}/turns/{turn}/why/").content.decode()

    assert "A play.<br>Mara:" in html
    assert "the end of the line" in html


def test_why_says_when_nobody_was_asked(client, chat):
    written, said = reply(chat, "By hand."), say(chat, "Mine.")

    assert "written by hand" in client.get(f"/chats/{chat.id}/turns/{written}/why/").content.decode()
    assert "your own turn" in client.get(f"/chats/{chat.id}/turns/{said}/why/").content.decode()


def test_why_knows_no_turn_of_another_chat(client, chat):
    other = make_chat(owner_of(chat), names=("Vera",))
    turn = say(other, "Elsewhere.")

    assert client.get(f"/chats/{chat.id}/turns/{turn}/why/").status_code == 404


def test_a_story_can_be_taken_along_as_markdown(client, chat):
    say(chat, "*I knock.*")
    reply(chat, "“Come in", state="stopped")
    scenes.leave(chat, character=cast_of(chat)["Ilse"], by=owner_of(chat))
    scenes.open_scene(chat, title="The landing", present=[cast_of(chat)["Mara"]], by=owner_of(chat))
    reply(chat, "“Look.”")

    answer = client.get(f"/chats/{chat.id}/story.md")

    assert answer["Content-Type"] == "text/markdown; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="night-watch.md"'
    assert answer.content.decode() == (
        "# Night watch\n\n> A lamp must be kept burning.\n\n## Scene 1\n\n*Mara, Ilse*\n\n**You:** *I knock.*\n\n"
        "**Mara:** “Come in\n\n*(stopped)*\n\n*Ilse leaves*\n\n## Scene 2: The landing\n\n*Mara*\n\n"
        "**Mara:** “Look.”\n"
    )


def test_no_title_gets_into_a_header(client):
    chat = make_chat(title='Nacht"; filename=x.exe — ночь')
    client.force_login(owner_of(chat))

    disposition = client.get(f"/chats/{chat.id}/story.md")["Content-Disposition"]

    assert disposition == "attachment; filename*=utf-8''nacht-filenamexexe-%D0%BD%D0%BE%D1%87%D1%8C.md"


# --- The model -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "url", "sentence"),
    [
        ("builtin", "http://127.0.0.1:9/v1", "tiny built-in model"),
        ("llama3.1", "http://127.0.0.1:9/v1", "llama3.1"),
        ("none", "", "No model is connected"),
        ("", "", "No model is connected"),
    ],
)
def test_one_sentence_says_which_model_answers(settings, client, model, url, sentence):
    settings.MODEL, settings.MODEL_URL = model, url

    assert sentence in model_notice(make_user()).sentence
    assert client.get("/model/").status_code == 200


def test_only_operators_see_where_the_model_is_and_how_to_connect_one(settings, client, operator):
    settings.MODEL, settings.MODEL_KEY = "llama3.1", "sk-secret"
    settings.MODEL_URL = "http://me:swordfish@10.1.2.3:9/v1"

    for_players, for_operators = (one.get("/model/").content.decode() for one in (client, operator))

    assert "10.1.2.3" not in for_players
    assert "--model-url" not in for_players
    assert "10.1.2.3" in for_operators
    assert "--model-url" in for_operators
    assert "sk-secret" not in for_players + for_operators
    assert "swordfish" not in for_players + for_operators


def test_an_operator_tests_the_model_with_and_without_scripts(settings, operator):
    with ScriptedModelServer() as server:
        settings.MODEL, settings.MODEL_URL = "scripted", server.url
        fragment = operator.post("/model/test/", headers={"HX-Request": "true"}).content.decode()
        whole = operator.post("/model/test/").content.decode()

    assert "It works." in fragment
    assert "<html" not in fragment
    assert "It works." in whole
    assert "<html" in whole


def test_a_model_that_is_away_is_said_to_be_away(settings, operator):
    with ScriptedModelServer() as server:
        settings.MODEL, settings.MODEL_URL = "scripted", server.url

    assert "It does not work." in operator.post("/model/test/").content.decode()


def test_players_cannot_test_the_model(client):
    assert client.post("/model/test/").status_code == 403
