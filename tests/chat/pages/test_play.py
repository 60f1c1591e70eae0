"""The chat page and its doors: who gets in, what they post, what they get back."""

from datetime import timedelta

import pytest
from django.test import AsyncClient, Client

from chat.database import in_thread
from chat.story.models import Chat, Turn
from chat.turns import chats, generation, scenes
from chat.turns.models import Generation
from tests.factories import cast_of, make_chat, make_user, owner_of, say
from tests.model_server import ScriptedModelServer
from tests.model_server import say as answer

pytestmark = pytest.mark.django_db(transaction=True)

JSON = {"Accept": "application/json"}


@pytest.fixture
def chat() -> Chat:
    return make_chat()


@pytest.fixture
def player(chat: Chat) -> Client:
    client = Client()
    client.force_login(owner_of(chat))
    return client


@pytest.fixture
async def async_player(chat: Chat, settings) -> AsyncClient:
    """A player whose replies are settled before the test ends."""
    client = AsyncClient()
    with ScriptedModelServer() as server:
        server.default = answer("“Aye.”")
        settings.MODEL_URL, settings.MODEL = server.url, "scripted"
        await in_thread(client.force_login, await in_thread(owner_of, chat))
        yield client
        for running in list(generation.in_flight_tasks.values()):
            await generation.settled(running)


def many_turns(chat: Chat, number: int) -> None:
    """A long story, faster than by playing it."""
    first = Turn.objects.filter(chat=chat).count() + 1000
    Turn.objects.bulk_create(
        Turn(
            id=first + at, place=first + at, group=first + at, chat=chat, kind="user_turn", speaker_name="You",
            text=f"*Words* of turn {at}.", state="complete", scene=chat.scene, witnesses=[],
            said_at=chat.created_at + timedelta(seconds=at),
        )
        for at in range(number)
    )  # fmt: skip


# --- Reading -------------------------------------------------------------------------------------------------


def test_the_page_shows_the_story_its_cast_and_the_composer(player, chat):
    say(chat, "“Who is there?”")

    html = player.get(f"/chats/{chat.id}/").content.decode()

    for part in ("“Who is there?”", "Mara", "Ilse", "A lamp must be kept burning.", 'role="log"', 'name="text"'):
        assert part in html
    assert "style=" not in html
    assert "<script>" not in html


def test_a_long_story_opens_with_few_queries(player, chat, django_assert_max_num_queries):
    many_turns(chat, 10_000)
    player.get(f"/chats/{chat.id}/")

    with django_assert_max_num_queries(20):
        html = player.get(f"/chats/{chat.id}/").content.decode()

    assert html.count('class="turn player"') == 50
    assert "Words</em> of turn 9999." in html


def test_earlier_turns_come_fifty_at_a_time(player, chat):
    many_turns(chat, 120)
    places = list(chat.turns.live().in_story_order().values_list("place", flat=True))

    html = player.get(f"/chats/{chat.id}/older/", {"before": places[-50]}).content.decode()

    assert html.count('class="turn player"') == 50
    assert f'data-before="{places[-100]}"' in html
    assert f'data-place="{places[-51]}"' in html
    assert f'data-place="{places[-50]}"' not in html


def test_the_first_page_of_a_story_has_its_premise_and_nothing_before_it(player, chat):
    say(chat, "Hello.")

    html = player.get(f"/chats/{chat.id}/older/").content.decode()

    assert "A lamp must be kept burning." in html
    assert "Earlier turns" not in html


def test_a_link_to_an_old_turn_opens_the_story_there(player, chat):
    many_turns(chat, 200)
    place = list(chat.turns.live().in_story_order().values_list("place", flat=True))[60]

    html = player.get(f"/chats/{chat.id}/", {"at": place}).content.decode()

    assert f'data-place="{place}"' in html
    assert "data-detached" in html
    assert "Newest turns" in html


def test_a_link_to_a_recent_turn_is_the_ordinary_page(player, chat):
    turn = say(chat, "Hello.")

    assert "data-detached" not in player.get(f"/chats/{chat.id}/", {"at": turn}).content.decode()


@pytest.mark.parametrize("place", ["x", "-1", "1e3", "9" * 30, "٣"])
def test_a_place_that_is_no_number_is_refused(player, chat, place):
    assert player.get(f"/chats/{chat.id}/older/", {"before": place}).status_code == 400


def test_an_empty_story_says_what_to_do(player, chat):
    assert "Nobody has spoken yet" in player.get(f"/chats/{chat.id}/").content.decode()


def test_what_players_write_is_never_markup(player, chat):
    say(chat, "<script>alert('turn')</script>")
    chats.rename(chat, title="<b>Title</b>", by=owner_of(chat))
    chats.change_premise(chat, premise="<i>Premise</i>", by=owner_of(chat))
    scenes.rename_scene(chat, title="<u>Scene</u>", by=owner_of(chat))

    html = player.get(f"/chats/{chat.id}/").content.decode()

    for markup in ("<script>alert", "<b>Title", "<i>Premise", "<u>Scene"):
        assert markup not in html


def test_the_turns_as_json_are_the_live_ones_in_story_order(player, chat):
    first, second = say(chat, "One."), say(chat, "Two.")

    found = player.get(f"/chats/{chat.id}/turns/").json()

    assert [turn["id"] for turn in found] == [first, second]
    assert found[0] == {
        "id": first, "place": first, "kind": "user_turn", "speaker": "You", "speaker_id": None,
        "text": "One.", "state": "complete",
    }  # fmt: skip


def test_a_running_reply_is_on_the_page_with_its_text_so_far_and_stop(player, chat):
    begun = Generation.objects.create(
        id="g1", chat=chat, group=1, answers_up_to=say(chat, "Mara?"), speaker=cast_of(chat)["Mara"],
        speaker_name="Mara", text="“I said", started_at=chat.created_at,
        leased_until=chat.created_at + timedelta(days=9999),
    )  # fmt: skip
    say(chat, "Well?")

    html = player.get(f"/chats/{chat.id}/").content.decode()

    assert f'class="turn said writing" data-generation="{begun.id}"' in html
    assert "“I said" in html
    assert "Mara is speaking" in html
    assert html.count("Will be answered next.") == 1
    assert 'class="stop"' in html
    assert "hidden>" not in html.split('class="stop"')[1].split("</button>")[0].split("<svg")[0]


def test_a_reply_that_failed_says_why_in_its_place_and_offers_retry(player, chat):
    Generation.objects.create(
        id="g1", chat=chat, group=1, answers_up_to=say(chat, "Mara?"), speaker=cast_of(chat)["Mara"],
        speaker_name="Mara", state="failed", error="The model is out.", started_at=chat.created_at,
        leased_until=chat.created_at,
    )  # fmt: skip

    html = player.get(f"/chats/{chat.id}/").content.decode()

    assert "Mara could not answer." in html
    assert "The model is out." in html
    assert 'name="generation" value="g1"' in html


def test_the_fragment_beside_the_transcript_has_all_its_parts(player, chat):
    html = player.get(f"/chats/{chat.id}/panel/").content.decode()

    for part in ('id="scene"', 'id="known"', 'id="next"', 'id="pending"'):
        assert part in html


def test_the_list_of_chats_can_be_searched_and_marks_this_one(player, chat):
    make_chat(owner_of(chat), title="The Salt Road")

    both = player.get(f"/chats/{chat.id}/sidebar/").content.decode()
    one = player.get(f"/chats/{chat.id}/sidebar/", {"q": "salt"}).content.decode()
    none = player.get(f"/chats/{chat.id}/sidebar/", {"q": "<zzz>"}).content.decode()

    assert "Night watch" in both
    assert "The Salt Road" in both
    assert both.count("aria-current") == 1
    assert "Night watch" not in one
    assert "No chat has “&lt;zzz&gt;” in its title." in none


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


# --- Posting -------------------------------------------------------------------------------------------------


async def test_a_turn_by_json_is_recorded_and_answered(async_player, chat):
    answered = await async_player.post(
        f"/chats/{chat.id}/turns/", {"text": "Mara?"}, content_type="application/json", headers=JSON
    )

    assert answered.status_code == 201
    turn = await Turn.objects.aget(id=answered.json()["turn_id"])
    assert (turn.text, turn.kind) == ("Mara?", "user_turn")
    await generation.settled(generation.in_flight_tasks[chat.id])
    assert await chat.turns.live().acount() == 2


async def test_a_turn_by_form_leads_back_to_the_story(async_player, chat):
    answered = await async_player.post(
        f"/chats/{chat.id}/turns/", {"text": "Ilse?", "speaker": "ilse"}, headers={"Accept": "text/html"}
    )

    assert answered.status_code == 302
    assert answered["Location"] == f"/chats/{chat.id}/"
    assert generation.in_flight_tasks[chat.id].speaker_name == "Ilse"


async def test_nothing_said_lets_someone_go_on(async_player, chat):
    answered = await async_player.post(f"/chats/{chat.id}/turns/", {"text": " "}, headers=JSON)

    assert (answered.status_code, answered.json()) == (201, {"turn_id": None})
    assert chat.id in generation.in_flight_tasks


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
        (b'{"text": 7}', 422),
        (b'{"text": "x", "speaker": "Nobody"}', 422),
        (b'{"text": "x", "speaker": {"a": 1}}', 422),
    ],
)
def test_a_malformed_turn_is_refused_with_a_sentence(player, chat, body, status):
    answered = player.post(f"/chats/{chat.id}/turns/", body, content_type="application/json")

    assert answered.status_code == status
    assert answered.json()["detail"]
    assert not chat.turns.exists()


def test_a_refused_turn_costs_a_browser_none_of_its_words(player, chat):
    scenes.close_scene(chat, by=owner_of(chat))

    answered = player.post(f"/chats/{chat.id}/turns/", {"text": "Is anybody <here>?"}, headers={"Accept": "text/html"})

    assert answered.status_code == 409
    html = answered.content.decode()
    assert "Is anybody &lt;here&gt;?</textarea>" in html
    assert "Nobody is present who could answer." in html


def test_stopping_when_nothing_runs_says_so(player, chat):
    assert player.post(f"/chats/{chat.id}/turns/cancel/").json() == {"cancelled": False}
    back = player.post(f"/chats/{chat.id}/turns/cancel/", headers={"Accept": "text/html"})
    assert back["Location"] == f"/chats/{chat.id}/"


def test_retrying_where_nothing_failed_is_refused(player, chat):
    assert player.post(f"/chats/{chat.id}/retry/", headers=JSON).status_code == 409


def test_too_many_turns_are_told_when_to_come_back(player, chat, settings):
    settings.TURNS_PER_MINUTE = 1
    scenes.close_scene(chat, by=owner_of(chat))
    player.post(f"/chats/{chat.id}/turns/", {"text": "x"}, headers=JSON)

    answered = player.post(f"/chats/{chat.id}/turns/", {"text": "x"}, headers=JSON)

    assert answered.status_code == 429
    assert int(answered["Retry-After"]) > 0
