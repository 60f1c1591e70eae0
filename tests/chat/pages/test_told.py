"""The page as loaded tells whoever asked for a rewriting how it ended: once, and only while it is news."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.test import Client
from django.utils import timezone

from chat.database import in_thread
from chat.story.models import Chat
from chat.turns import claims, generation, leases, rewriting
from chat.turns.leases import Settled
from chat.turns.models import Generation
from tests.chat.pages.conftest import door, page
from tests.factories import owner_of, say

pytestmark = pytest.mark.django_db(transaction=True)

REWRITTEN = "Rewritten. 2 memories, 1 story event and 1 interjection went with it."


@pytest.fixture
def ask(client: Client) -> Callable[..., int | None]:
    """A rewriting asked for in this browser, from claim to settling; the new turn."""
    return partial(_ask, client)


def _ask(client: Client, chat: Chat, turn: int, *, how: str = "finished", minutes_ago: int = 0) -> int | None:
    at = timezone.now() - timedelta(minutes=minutes_ago)
    claim = claims.claim_rewriting(chat.id, turn=turn, asked_by="user:1", now=at)
    client.cookies["asked"] = claim.generation
    return leases.settle(claim, Settled(state=Generation.State(how), text="“I burn it.”"), at=at)


def shown(client: Client, chat: Chat) -> str:
    return page(client, f"/chats/{chat.id}/")


def test_a_page_that_is_loaded_afterwards_tells_what_went_with_it_and_offers_undo_once(client, chat, told, ask):
    ask(chat, told["primary"])

    first = shown(client, chat)

    assert REWRITTEN in first
    assert f'formaction="{door(chat, told["primary"], "restore")}">Undo' in first
    assert "Rewritten." not in shown(client, chat)


def test_of_a_rewriting_under_way_the_page_knows_whether_it_was_asked_for_here(client, chat, told):
    claim = claims.claim_rewriting(chat.id, turn=told["primary"], asked_by="user:1", now=timezone.now())
    for here in (False, True):
        if here:
            client.cookies["asked"] = claim.generation
        assert ("data-asked-here" in shown(client, chat)) is here
        assert "Rewritten." not in shown(client, chat)


@pytest.mark.parametrize("https", [False, True])
async def test_who_asks_is_remembered_by_their_browser(chat, told, settings, async_client, https):
    settings.SESSION_COOKIE_SECURE = https
    settings.MODEL_URL, settings.MODEL = "http://127.0.0.1:9", "nobody"
    await in_thread(async_client.force_login, await in_thread(owner_of, chat))
    for browser in ("text/html", "application/json"):
        answer = await async_client.post(door(chat, told["primary"], "regenerate"), headers={"Accept": browser})
        await generation.idle()
        kept = answer.cookies["asked"]
        newest = await Generation.objects.filter(chat=chat).order_by("-started_at").afirst()
        assert (kept.value, kept["path"]) == (newest.id, f"/chats/{chat.id}/")
        assert bool(kept["secure"]) is https


def test_a_cut_off_writing_is_told_with_where_it_is_kept(client, chat, told, ask):
    ask(chat, told["primary"], how="stopped")

    assert "Mara was stopped. The old writing stands; what was written is kept as ‹ 2/2 ›." in shown(client, chat)


@pytest.mark.parametrize("then", ["more is said", "it is taken back", "the turn is deleted", "minutes pass"])
def test_it_is_no_news_when(client, chat, told, ask, then):
    new = ask(chat, told["primary"], minutes_ago=6 if then == "minutes pass" else 0)
    match then:
        case "more is said":
            say(chat, "And then?")
        case "it is taken back":
            rewriting.restore(chat, turn=told["primary"], by=owner_of(chat))
        case "the turn is deleted":
            rewriting.delete(chat, turn=new, by=owner_of(chat))

    assert "Rewritten." not in shown(client, chat)


def test_what_the_player_did_since_is_told_alone(client, chat, told, ask):
    ask(chat, told["primary"])
    client.post(door(chat, told["later"], "delete"), headers={"Accept": "text/html"})

    after = shown(client, chat)

    assert "The turn is deleted." in after
    assert "Rewritten." not in after


def test_what_was_not_asked_for_in_this_browser_is_not_told_there(client, chat, told, ask):
    ask(chat, told["primary"])
    del client.cookies["asked"]
    assert "Rewritten." not in shown(client, chat)

    client.cookies["asked"] = "rubbish"
    assert "Rewritten." not in shown(client, chat)
    assert not client.cookies["asked"].value
