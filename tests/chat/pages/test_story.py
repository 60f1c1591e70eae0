"""The facts on the page and in JSON, and what a player does to them."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from chat.story import decisions
from chat.story.fact_models import Memory, StoryEvent
from chat.story.fact_payloads import DecisionRegistered, EventPlanned, MemoryFormed, RelationshipChanged
from chat.story.models import Chat
from chat.turns import demo
from tests.factories import cast_of, make_chat, make_user, owner_of, say
from tests.facts import read, record, reply, rewrite

pytestmark = pytest.mark.django_db(transaction=True)

JSON = {"Accept": "application/json"}
HTML = {"Accept": "text/html"}


@pytest.fixture
def chat():
    return make_chat()


@pytest.fixture
def player(chat):
    return client_of(owner_of(chat))


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def story_of(player, chat):
    return player.get(f"/chats/{chat.id}/story/", headers=JSON).json()


def act(player, chat, path, **fields):
    return player.post(f"/chats/{chat.id}/{path}", fields, content_type="application/json", headers=JSON)


def facts_of(player, chat, *, whole=False):
    """What stands in the panel, or on the page of its own."""
    answer = player.get(f"/chats/{chat.id}/facts/{'' if whole else 'panel/'}")
    return " ".join(answer.content.decode().split())


def test_a_story_event_is_planned_edited_started_completed_and_read_back(player, chat):
    planned = act(player, chat, "story-events/", title="Open the letter")
    assert planned.status_code == 201
    story_event = planned.json()["id"]

    for step in ("", "start/", "complete/"):
        answer = act(player, chat, f"story-events/{story_event}/{step}", title="Burn the letter", description="x")
        assert answer.status_code == 200

    story = story_of(player, chat)
    assert story["story_events"] == [
        {
            "id": story_event,
            "title": "Burn the letter",
            "description": "x",
            "status": "completed",
            "because_of": None,
        }
    ]
    assert [one["text"] for one in story["milestones"]] == ["Burn the letter"]


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("story-events/", {"title": " "}, 422),
        ("story-events/", {}, 422),
        ("story-events/999/cancel/", {}, 404),
        ("memories/999/forget/", {}, 404),
        ("cautions/999/promote/", {}, 404),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(player, chat, path, fields, status):
    answer = act(player, chat, path, **fields)

    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.json()["detail"]


def test_a_stranger_sees_and_does_nothing(chat):
    stranger = client_of(make_user())

    assert stranger.get(f"/chats/{chat.id}/story/", headers=JSON).status_code == 404
    assert act(stranger, chat, "story-events/", title="x").status_code == 404
    assert Client().get(f"/chats/{chat.id}/story/", headers=JSON).status_code == 401


def test_the_json_says_because_of_which_turn_and_what_still_counts(player, chat):
    cast = cast_of(chat)
    turn = reply(chat, "Mara", "“Ilse, I swear.”")
    record(
        chat,
        EventPlanned(title="Row out", triggered_by_assistant_turn_id=turn),
        MemoryFormed(witness=cast["Ilse"], text="Mara swore.", importance=7, turn=turn),
        RelationshipChanged(character=cast["Ilse"], toward=0, delta=-2, why="doubt", turn=turn),
    )

    story = story_of(player, chat)
    assert story["story_events"][0]["because_of"] == turn
    memory = story["memories"][0]
    assert (memory["witness"], memory["because_of"], memory["active"]) == ("Ilse", turn, True)
    relationship = story["relationships"][0]
    assert (relationship["character"], relationship["toward"], relationship["level"]) == ("Ilse", "You", -2)

    rewrite(chat, turn, "Mara", "“Nothing.”")
    story = story_of(player, chat)
    assert (story["story_events"], story["relationships"], story["memories"][0]["active"]) == ([], [], False)


def test_the_panel_shows_facts_with_links_to_their_turns(player, chat):
    say(chat, "Good evening.")
    turn = reply(chat, "Mara", "“Ilse, I swear.”")
    story_event, _ = record(
        chat,
        EventPlanned(title="Row out", triggered_by_assistant_turn_id=turn),
        MemoryFormed(witness=cast_of(chat)["Ilse"], text="Mara swore.", importance=7, turn=turn),
    )

    html = facts_of(player, chat)

    assert "Row out" in html
    assert "What Ilse remembers" in html
    assert f'href="/chats/{chat.id}/?at={turn}#turn-{turn}" data-turn-link="{turn}">turn 2</a>' in html
    assert "word reader" in html
    assert "style=" not in html

    assert act(player, chat, f"story-events/{story_event}/cancel/").status_code == 200
    assert "Cancelled" in facts_of(player, chat)


def test_a_memory_is_forgotten_and_brought_back(player, chat):
    turn = reply(chat, "Mara", "“Ilse, I swear.”")
    formed = MemoryFormed(witness=cast_of(chat)["Ilse"], text="Mara swore.", importance=7, turn=turn)
    [memory] = record(chat, formed)

    answer = act(player, chat, f"memories/{memory}/forget/").json()
    assert "Mara swore." not in facts_of(player, chat)
    assert answer["undo"] == f"/chats/{chat.id}/memories/{memory}/recall/"

    assert player.post(answer["undo"], headers=JSON).status_code == 200
    assert "Mara swore." in facts_of(player, chat)
    assert story_of(player, chat)["memories"][0]["active"] is True


def test_without_scripts_a_forgotten_memory_comes_back_with_the_undo_of_the_next_page(player, chat):
    turn = reply(chat, "Mara", "“Ilse, I swear.”")
    formed = MemoryFormed(witness=cast_of(chat)["Ilse"], text="Mara swore.", importance=7, turn=turn)
    [memory] = record(chat, formed)
    facts = f"/chats/{chat.id}/facts/"

    answer = player.post(f"/chats/{chat.id}/memories/{memory}/forget/", {"next": facts}, headers=HTML, follow=True)

    assert answer.redirect_chain == [(facts, 302)]
    assert f'formaction="/chats/{chat.id}/memories/{memory}/recall/"' in answer.content.decode()


def test_the_panel_shows_the_newest_and_the_page_all(player, chat, django_assert_max_num_queries):
    turn, ilse = reply(chat, "Mara", "“Ilse, I swear.”"), cast_of(chat)["Ilse"]
    record(chat, *(MemoryFormed(witness=ilse, text=f"The {n}th lie.", importance=3, turn=turn) for n in range(9)))
    for title in "ABCDEFGH":
        [planned] = record(chat, EventPlanned(title=f"Plan {title}"))
        act(player, chat, f"story-events/{planned}/complete/")

    with django_assert_max_num_queries(20):
        panel = facts_of(player, chat)

    assert (panel.count("lie."), panel.count("and 3 older")) == (2 * 6, 1)  # each also names its Forget button
    assert panel.count('class="completed"') == 6
    assert panel.count("and 2 older") == 2  # what is over, and the milestones
    page = facts_of(player, chat, whole=True)
    assert page.count('class="completed"') == 8
    assert re.search(r"and \d+ older", page) is None


def test_the_page_of_the_facts_is_for_members_only(chat):
    assert client_of(make_user()).get(f"/chats/{chat.id}/facts/").status_code == 404
    assert client_of(make_user()).get(f"/chats/{chat.id}/facts/panel/").status_code == 404
    assert Client().get(f"/chats/{chat.id}/facts/").status_code == 302


def test_without_scripts_a_plan_goes_through_a_form_and_back_to_the_page(player, chat):
    answer = player.post(f"/chats/{chat.id}/story-events/", {"title": "Row out"}, headers=HTML)

    assert (answer.status_code, answer.url) == (302, f"/chats/{chat.id}/")
    assert StoryEvent.objects.get().title == "Row out"


def test_a_story_with_no_facts_yet_says_what_to_do(player, chat):
    html = facts_of(player, chat)

    assert "Plan what might happen" in html
    assert 'id="previously" hidden' in html


def test_the_last_debrief_stands_above_the_story(player, chat):
    turn = say(chat, "Good evening.")
    debrief = DecisionRegistered(
        context=decisions.RUN_DEBRIEF,
        choice=decisions.DEBRIEFED,
        reasoning="",
        decided_by="test",
        turns=(turn,),
        scene=chat.scene,
        body={"text": "They met & parted.", "parts": {}},
    )
    record(chat, debrief)

    assert "They met &amp; parted." in facts_of(player, chat)


def test_only_the_owner_sees_cautions_to_decide_on(player, chat):
    drafted = DecisionRegistered(
        context=decisions.CAUTION_PROPOSAL,
        choice=decisions.CAUTION_DRAFTED,
        reasoning="",
        decided_by="test",
        body={"text": "Tom does not know.", "audience": [cast_of(chat)["Ilse"]]},
    )
    caution = record(chat, drafted)[0]

    assert "Tom does not know." in facts_of(player, chat)
    assert act(player, chat, f"cautions/{caution}/promote/").status_code == 200
    assert "In force · for Ilse" in facts_of(player, chat)
    assert act(player, chat, f"cautions/{caution}/decline/").status_code == 200
    assert "Tom does not know." not in facts_of(player, chat)


def test_in_the_demo_naming_what_is_planned_starts_it(settings):
    settings.READER = "words"
    chat = Chat.objects.get(id=demo.write_demo(make_user(), now=timezone.now()))
    cutter = StoryEvent.objects.get(chat=chat, status="planned")

    read(chat, say(chat, "I go down, and take the skiff out to the cutter."))

    cutter.refresh_from_db()
    assert cutter.status == "active"


def test_the_panel_stands_when_a_memory_goes_while_it_is_made(player, chat):
    turn = say(chat, "Ilse, remember.")
    record(chat, MemoryFormed(witness=cast_of(chat)["Ilse"], text="The lamp was cold.", importance=5, turn=turn))
    gone = []

    def forgetting(execute, sql, *rest):
        """After the panel has read the memories."""
        if gone == ["asked"]:
            gone.append("forgotten")
            Memory.objects.all().delete()
        elif not gone and Memory._meta.db_table in sql:
            gone.append("asked")
        return execute(sql, *rest)

    with connection.execute_wrapper(forgetting):
        shown = facts_of(player, chat)

    assert gone == ["asked", "forgotten"]
    assert "The lamp was cold." in shown
