"""What the pages say of turns that fall and rise together, and what they refuse to bring back alone."""

import re

import pytest

from tests.chat.pages.conftest import door, page
from tests.facts import regenerate, texts

pytestmark = pytest.mark.django_db(transaction=True)

HTML = {"Accept": "text/html,application/xhtml+xml"}


def test_before_rewriting_from_a_turn_on_all_that_goes_is_counted_with_the_interjections(chat, client, told):
    address = door(chat, told["primary"], "rewrite-from")

    found = client.get(address).json()
    asking = " ".join(client.get(address, headers=HTML).content.decode().split())

    assert found == {
        "replies": 2, "memories": 2, "story_events": 1, "milestones": 0, "relationships": 0, "interjections": 1,
    }  # fmt: skip
    assert "2 replies will be written anew" in asking
    assert "Where somebody had spoken up, it is decided anew whether anyone does." in asking
    assert "2 memories, 1 story event and 1 interjection will go with them" in asking
    assert "Ilse no longer speaks up: “No!”" in asking
    last = " ".join(client.get(door(chat, told["later"], "rewrite-from"), headers=HTML).content.decode().split())
    assert "it alone will be written anew.</p>" in last
    assert "will go with" not in last


def test_rewriting_from_an_interjection_on_leaves_the_reply_before_it(chat, client, told):
    found = client.get(door(chat, told["interjection"], "rewrite-from")).json()

    assert (found["replies"], found["memories"], found["story_events"], found["interjections"]) == (2, 1, 0, 0)


def test_what_stands_with_one_writing_and_comes_with_the_other_neither_went_nor_came_back(chat, client, told):
    regenerate(chat, told["primary"])
    client.post(door(chat, told["interjection"], "restore"))

    restored = client.post(door(chat, told["primary"], "restore")).json()

    assert restored["went"] == "1 memory and 1 story event came back with it."
    assert texts(chat) == ["Mara?", "“I open it.”", "“No!”", "“Too late.”"]
    assert client.post(restored["undo"]).json()["went"] == "1 memory and 1 story event went with the other."


def test_what_answers_a_deleted_turn_is_not_offered_and_refused_with_what_to_do(chat, client, told):
    regenerate(chat, told["primary"], "“I leave it.”")
    client.post(door(chat, told["interjection"], "restore"))
    client.post(door(chat, told["interjection"], "delete"))
    gone = f"/chats/{chat.id}/turns/deleted/"
    assert page(client, gone).count("Bring back") == 1
    client.post(door(chat, told["own"], "delete"))

    found = page(client, gone)
    writings = client.get(door(chat, told["primary"], "variants"), headers=HTML).content.decode()
    refused = [client.post(door(chat, told["interjection"], act)) for act in ("restore", "undelete")]
    in_browser = client.post(door(chat, told["primary"], "restore"), headers=HTML)

    assert re.findall(r'formaction="(.*?/undelete/)"', found) == [door(chat, told["own"], "undelete")]
    assert "1 deleted turn" in page(client, f"/chats/{chat.id}/facts/")
    sentence = "The turn that this answers was deleted. Bring that one back first: what went with it comes along."
    assert "Bring this one back" not in writings
    assert sentence in writings
    assert {answer.status_code for answer in refused} == {409}
    assert (in_browser.status_code, sentence in in_browser.content.decode()) == (409, True)
