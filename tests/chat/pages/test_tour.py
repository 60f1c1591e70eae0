"""The card beside the demo story: it ticks itself off by what was done since the story was seeded."""

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.story.models import Chat
from chat.turns import branching, rewriting
from chat.turns.demo import write_demo
from tests.chat.pages.conftest import page
from tests.factories import cast_of, make_user, owner_of, say
from tests.facts import regenerate, reply

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def chat() -> Chat:
    return Chat.objects.get(id=write_demo(make_user(), now=timezone.now()))


def ticks(client: Client, chat: Chat) -> list[bool]:
    """Of each step whether it is done."""
    return [bool(done) for done in re.findall(r'<li (class="done")?>\s*(?:<span class="sr">|<b>)', card(client, chat))]


def card(client: Client, chat: Chat) -> str:
    found = re.search(r'<aside class="tour.*?</aside>', page(client, f"/chats/{chat.id}/panel/"), re.DOTALL)
    return found[0] if found else ""


def last_reply(chat: Chat) -> int:
    replies = chat.turns.live().filter(speaker__isnull=False, interjection_of=None, place__lt=chat.seeded_at)
    return replies.order_by("-place").values_list("id", flat=True)[0]


def test_what_the_seed_itself_did_ticks_nothing(client, chat):
    assert ticks(client, chat) == [False, False, False, False]


def test_saying_a_line_ticks_the_first_step(client, chat):
    say(chat, "I write: lit.")

    assert ticks(client, chat) == [True, False, False, False]


def test_rewriting_and_bringing_back_tick_one_step_each(client, chat):
    original = last_reply(chat)
    assert f'data-turn-link="{original}"' in card(client, chat)

    rewritten = regenerate(chat, original)
    assert ticks(client, chat) == [False, True, False, False]
    assert f'data-turn-link="{rewritten}"' in card(client, chat)

    rewriting.restore(chat, turn=original, by=owner_of(chat))
    assert ticks(client, chat) == [False, True, True, False]


def test_deleting_a_turn_and_bringing_it_back_ticks_nothing(client, chat):
    original, by = last_reply(chat), owner_of(chat)

    rewriting.delete(chat, turn=original, by=by)
    assert ticks(client, chat) == [False, False, False, False]
    rewriting.undelete(chat, turn=original, by=by)
    assert ticks(client, chat) == [False, False, False, False]

    regenerate(chat, original)
    rewriting.delete(chat, turn=last_reply(chat), by=by)
    assert ticks(client, chat) == [False, True, False, False]


def test_a_step_stays_ticked_whichever_writing_stands_in_the_end(client, chat):
    original = last_reply(chat)
    rewritten = regenerate(chat, original)

    for turn in (original, rewritten):
        rewriting.restore(chat, turn=turn, by=owner_of(chat))

    assert ticks(client, chat) == [False, True, True, False]


def test_the_last_step_waits_for_somebody_who_speaks_up_anew(client, chat):
    cast = cast_of(chat)
    interjection = chat.turns.live().exclude(interjection_of=None).get()
    regenerate(chat, interjection.id)
    assert not ticks(client, chat)[-1]

    asked = say(chat, "Ilse, write: lit. Mara, wind it.")
    reply(chat, "Ilse", "“Lit.”", group=asked)
    reply(chat, "Mara", "“Aye.”", group=asked, interjection_of=cast["Ilse"])

    assert ticks(client, chat)[-1]


def test_the_card_stands_beside_the_demo_alone(client, chat):
    other = client.post("/chats/", {"title": "Mine", "premise": "x", "characters": list(cast_of(chat).values())[:1]})
    branch = branching.branch(chat, turn=last_reply(chat), by=owner_of(chat))

    assert 'id="tour"' in page(client, f"/chats/{chat.id}/")
    assert 'id="tour"' not in page(client, other["Location"])
    assert 'id="tour"' not in page(client, f"/chats/{branch}/")


def test_the_card_is_put_away_for_one_player_and_stays_away(client, chat):
    assert client.post(f"/chats/{chat.id}/tour/close/").status_code == 302

    assert "Say a line" not in page(client, f"/chats/{chat.id}/")
    assert re.search(r'id="tour"[^>]*hidden', page(client, f"/chats/{chat.id}/panel/"))
    stranger = Client()
    stranger.force_login(User.objects.create_user("bert"))
    assert stranger.post(f"/chats/{chat.id}/tour/close/").status_code == 404


def test_whoever_has_tried_all_of_it_is_congratulated_in_one_line(client, chat):
    original = last_reply(chat)
    regenerate(chat, original)
    rewriting.restore(chat, turn=original, by=owner_of(chat))
    asked = say(chat, "Ilse, write: lit. Mara, wind it.")
    reply(chat, "Mara", "“Aye.”", group=asked, interjection_of=cast_of(chat)["Ilse"])

    assert "That is all of it. The night is yours." in card(client, chat)
    assert "<li" not in card(client, chat)


def test_the_demo_opens_with_few_queries_and_its_card_costs_none(client, chat):
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            client.get(f"/chats/{chat.id}/")
        return len(asked)

    queries()
    with_card = queries()
    Chat.objects.filter(id=chat.id).update(seeded_at=None)

    assert with_card == queries() <= 12
