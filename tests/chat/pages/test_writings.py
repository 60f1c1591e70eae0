"""The doors of rewriting: what each takes, what it gives back, and what it refuses."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from chat.database import in_thread
from chat.pages.writings import deleted
from chat.story.fact_payloads import EventCompleted, MemoryFormed, MilestoneReached
from chat.story.models import Chat
from chat.story.rewriting_payloads import TurnDeleted
from chat.turns import claims, generation, leases
from chat.turns.comparing import compared
from chat.turns.leases import Settled
from chat.turns.models import Generation
from tests.chat.pages.conftest import door, page
from tests.factories import cast_of, make_chat, make_user, owner_of
from tests.facts import moved, record, regenerate, status, texts

pytestmark = pytest.mark.django_db(transaction=True)

HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def player(chat: Chat) -> Client:
    client = Client()
    client.force_login(owner_of(chat))
    return client


def test_before_a_rewriting_the_page_and_the_json_say_what_will_be_undone(chat, player, told):
    address = door(chat, told["primary"], "regenerate")

    found = player.get(address).json()
    asking = player.get(address, headers=HTML).content.decode()

    assert found["story_events"] == [
        {"id": told["story_event"], "title": "Open the letter", "from": "active", "to": "planned"}
    ]
    assert [one["text"] for one in found["memories"]] == ["She opened it.", "Ilse cried no."]
    assert [one["turn_id"] for one in found["interjections"]] == [told["interjection"]]
    assert (found["relationships"], found["later_turns"]) == ([], 1)
    assert "2 memories, 1 story event and 1 interjection will go with it" in asking
    assert "1 later turn was written against this reply" in asking


def test_a_milestone_goes_with_the_turn_that_reached_it_and_every_line_says_so(chat, player, told):
    moved(chat, EventCompleted, told["story_event"], told["later"])
    record(chat, MilestoneReached(story_event=told["story_event"], text="The letter is open.", turn=told["later"]))
    address = door(chat, told["later"], "regenerate")

    found = player.get(address).json()
    assert [one["text"] for one in found["milestones"]] == ["The letter is open."]
    asking = player.get(address, headers=HTML).content.decode()
    assert "1 story event and 1 milestone will go with it" in asking
    assert "No milestone any more: The letter is open." in asking
    went = "1 story event and 1 milestone went with it."
    assert player.post(door(chat, told["later"], "delete")).json()["went"] == went
    assert went in page(player, f"/chats/{chat.id}/turns/deleted/")


def test_an_edit_keeps_the_interjection_and_what_that_had_caused(chat, player, told):
    asking = page(player, door(chat, told["primary"], "edit"))

    assert "1 memory and 1 story event will go with the old words." in asking


async def test_a_rewriting_is_begun_with_its_generation_named(chat, player, told, settings, async_client):
    await in_thread(async_client.force_login, await in_thread(owner_of, chat))
    settings.MODEL_URL, settings.MODEL = "http://127.0.0.1:9", "nobody"
    address = door(chat, told["primary"], "regenerate")

    first = await async_client.post(address, {"guidance": "shorter"})
    await generation.idle()

    assert first.status_code == 202
    assert first.json()["generation"]


def test_rewriting_what_does_not_stand_is_refused_and_told_what_does(chat, player, told):
    stands = regenerate(chat, told["primary"])

    for ask in (player.post, player.get):
        refused = ask(door(chat, told["primary"], "regenerate"), headers={"Accept": "application/json"})
        assert refused.status_code == 409
        assert "another writing stands in its place now" in refused.json()["detail"]
        assert str(stands) not in refused.json()["detail"], "people are told of places, never of ids"
        assert refused.json()["present"] == {"standing": stands}
    assert player.post(door(chat, told["own"], "regenerate")).status_code == 422
    assert player.post(door(chat, 0, "regenerate")).status_code == 404


def test_an_edit_a_deletion_and_their_undoing_over_http(chat, player, told):
    edited = player.post(door(chat, told["primary"], "edit"), {"text": "“I leave it.”"})
    assert edited.status_code == 201
    new = edited.json()["turn_id"]
    assert edited.json()["went"] == "1 memory and 1 story event went with it."
    assert texts(chat) == ["Mara?", "“I leave it.”", "“No!”", "“Too late.”"]
    assert status(told["story_event"]) == "planned"

    undone = player.post(edited.json()["undo"])
    assert (undone.status_code, undone.json()["done"]) == (200, True)
    assert texts(chat)[1] == "“I open it.”"
    assert status(told["story_event"]) == "active"
    assert player.post(door(chat, told["primary"], "restore")).status_code == 409
    assert player.post(door(chat, new, "restore")).status_code == 200

    deleted = player.post(door(chat, told["own"], "delete"))
    assert deleted.status_code == 200
    assert texts(chat) == ["“Too late.”"]
    assert player.post(deleted.json()["undo"]).status_code == 200
    assert len(texts(chat)) == 4
    assert player.post(door(chat, told["own"], "undelete")).status_code == 409
    assert player.post(door(chat, told["own"], "edit"), {"text": " "}).status_code == 422


def test_bringing_a_writing_back_says_what_came_with_it_and_what_went_with_the_other(chat, player, told):
    new = regenerate(chat, told["primary"])
    record(chat, MemoryFormed(witness=cast_of(chat)["Ilse"], text="She left it.", importance=5, turn=new))

    restored = player.post(door(chat, told["primary"], "restore")).json()

    came = "2 memories, 1 story event and 1 interjection came back with it."
    assert (restored["told"], restored["went"]) == (
        "This writing stands again.",
        f"{came} 1 memory went with the other.",
    )
    deleted = player.post(door(chat, told["primary"], "delete")).json()
    assert player.post(deleted["undo"]).json()["went"] == came


def test_browsers_without_scripts_get_pages_and_an_undo(chat, player, told):
    form = player.get(door(chat, told["primary"], "edit"), headers=HTML)
    assert "I open it." in form.content.decode()
    answer = player.post(door(chat, told["own"], "delete"), headers=HTML, follow=True)

    assert "The turn is deleted. 2 memories, 1 story event and 2 other turns went with it." in answer.content.decode()
    assert door(chat, told["own"], "undelete") in answer.content.decode()


def test_deleted_turns_are_listed_until_they_are_brought_back(chat, player, told):
    gone, listed = f"/chats/{chat.id}/turns/deleted/", f"/chats/{chat.id}/facts/"
    assert "Nothing is deleted" in page(player, gone)
    assert "deleted turn" not in page(player, listed)

    player.post(door(chat, told["later"], "delete"))
    player.post(door(chat, told["own"], "delete"))
    found = page(player, gone)
    # Those that went along come back with the one that took them.
    assert re.findall(r'formaction="(.*?/undelete/)"', found) == [
        door(chat, turn, "undelete") for turn in (told["own"], told["later"])
    ]
    assert "2 deleted turns" in page(player, listed)
    assert "2 deleted turns" in page(player, f"/chats/{chat.id}/info/")

    back = player.post(door(chat, told["own"], "undelete"), headers=HTML, follow=True)
    assert "The turn is back." in back.content.decode()
    assert f'formaction="{door(chat, told["own"], "delete")}">Undo' in back.content.decode()
    assert texts(chat) == ["Mara?", "“I open it.”", "“No!”"]
    assert page(player, gone).count("Bring back") == 1


def test_only_what_was_deleted_is_listed_and_of_a_place_what_fell_last(chat, player, told):
    regenerate(chat, told["primary"])
    edited = player.post(door(chat, told["later"], "edit"), {"text": "“Never.”"}).json()["turn_id"]
    assert deleted(chat) == []

    claim = claims.claim_rewriting(chat.id, turn=edited, asked_by="user:1", now=timezone.now())
    record(chat, TurnDeleted(turn=edited))
    late = leases.settle(claim, Settled(state=Generation.State.FINISHED, text="“Late.”"), at=timezone.now())

    assert [turn.id for turn in deleted(chat)] == [late]


def test_the_writings_of_a_turn_as_json_and_side_by_side(chat, player, told):
    new = regenerate(chat, told["primary"], "“I leave it.”")

    found = player.get(door(chat, new, "variants")).json()
    beside = player.get(door(chat, new, "variants"), headers=HTML).content.decode()
    turns = {turn["id"]: turn for turn in player.get(f"/chats/{chat.id}/turns/").json()}
    transcript = player.get(f"/chats/{chat.id}/").content.decode()

    assert [(one["turn_id"], one["number"], one["live"]) for one in found] == [
        (told["primary"], 1, False),
        (new, 2, True),
    ]
    assert 'class="writing-desk broad"' in beside
    assert "<del>open</del>" in beside
    assert "<ins>leave</ins>" in beside
    assert (turns[new]["variants"], turns[new]["regenerated_from"]) == (2, told["primary"])
    assert turns[told["later"]]["variants"] == 1
    assert 'aria-label="Writing 2 of 2"' in transcript


def test_what_nobody_began_goes_back_to_planned_by_hand(chat, player, told):
    address = f"/chats/{chat.id}/story-events/{told['story_event']}/back/"

    assert player.post(address, headers={"Accept": "application/json"}).status_code == 409
    moved(chat, EventCompleted, told["story_event"], told["primary"])
    regenerate(chat, told["primary"])
    panel = page(player, reverse("facts_fragment", args=[chat.id]))
    assert "the turn that began it was rewritten" in panel
    assert address in panel
    assert player.post(address, headers={"Accept": "application/json"}).status_code == 200
    assert status(told["story_event"]) == "planned"


def test_a_deleted_turn_is_called_by_the_number_it_had(chat, player, told):
    address = reverse("facts_fragment", args=[chat.id])
    called = f'data-turn-link="{told["primary"]}">turn 2</a>'
    assert called in page(player, address)

    player.post(door(chat, told["primary"], "delete"))

    assert called in page(player, address)


@pytest.mark.parametrize(
    ("method", "act"),
    [
        ("get", "regenerate"), ("post", "regenerate"), ("get", "rewrite-from"), ("post", "rewrite-from"),
        ("get", "edit"), ("post", "edit"), ("post", "restore"), ("post", "delete"), ("post", "undelete"),
        ("get", "variants"),
    ],
)  # fmt: skip
def test_a_strangers_turns_are_not_there(chat, told, method, act):
    stranger = Client()
    stranger.force_login(make_user())

    answer = getattr(stranger, method)(door(chat, told["primary"], act), headers={"Accept": "application/json"})

    assert answer.status_code == 404


def test_a_turn_of_another_chat_is_not_reached_through_ones_own(chat, player, told):
    other = make_chat(owner_of(chat))

    for act in ("regenerate", "edit", "restore", "delete", "undelete"):
        assert player.post(door(other, told["primary"], act), {"text": "x"}).status_code == 404


def test_two_texts_are_compared_word_by_word():
    old, new = compared("She opens the letter.", "She burns the letter!")

    assert [(run.text, run.changed) for run in old] == [
        ("She ", False), ("opens", True), (" the letter", False), (".", True),
    ]  # fmt: skip
    assert "".join(run.text for run in new) == "She burns the letter!"


def test_an_edit_that_changes_nothing_says_so(chat, player, told):
    same = player.post(door(chat, told["primary"], "edit"), {"text": "“I open it.”"})

    assert same.status_code == 201
    assert same.json() == {"turn_id": told["primary"], "told": "Nothing was changed.", "went": "", "undo": ""}
    answer = player.post(door(chat, told["own"], "edit"), {"text": "Mara?"}, headers=HTML, follow=True)
    assert "Nothing was changed." in answer.content.decode()
    changed = player.post(door(chat, told["primary"], "edit"), {"text": "“I burn it.”"}, headers=HTML, follow=True)
    assert "Changed. 1 memory and 1 story event went with it." in changed.content.decode()
