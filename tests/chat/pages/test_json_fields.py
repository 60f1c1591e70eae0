"""The doors that read JSON take text where text is meant, and nothing else for it."""

import pytest

from chat.pages.answers import fields
from chat.story.models import Character
from tests.chat.pages.conftest import door
from tests.factories import cast_of
from tests.facts import texts

pytestmark = pytest.mark.django_db(transaction=True)


def send(client, path: str, **sent: object):
    return client.post(path, sent, content_type="application/json", headers={"Accept": "application/json"})


@pytest.mark.parametrize("wrong", [5, 0, False, ["x"], {"x": 1}])
@pytest.mark.parametrize(
    "place",
    [
        ("turns/", "text"), ("turns/{turn}/edit/", "text"), ("turns/{turn}/regenerate/", "guidance"),
        ("meanwhile/", "direction"), ("rename/", "title"), ("story-events/", "title"), ("retry/", "generation"),
    ],
)  # fmt: skip
def test_a_field_of_text_takes_text_only(client, chat, told, place, wrong):
    act, field = place
    before = texts(chat)

    answer = send(client, f"/chats/{chat.id}/{act.format(turn=told['primary'])}", **{field: wrong})

    assert (answer.status_code, answer.json()["detail"]) == (422, f"{field} has to be text.")
    assert texts(chat) == before


@pytest.mark.parametrize("wrong", [True, {"x": 1}, [["x"]]])
def test_a_field_of_numbers_takes_numbers_only(client, chat, wrong):
    answer = send(client, f"/chats/{chat.id}/meanwhile/", characters=wrong, turns=2)

    assert (answer.status_code, answer.json()["detail"]) == (422, "characters: this has to be text or a number.")


@pytest.mark.parametrize("as_sent", [int, str])
def test_ids_are_taken_as_numbers_and_as_text(client, chat, as_sent):
    cast = list(cast_of(chat).values())

    answer = send(client, f"/chats/{chat.id}/scene/open/", title="Dawn", present=[as_sent(one) for one in cast])

    chat.refresh_from_db()
    assert (answer.status_code, chat.scene_title, chat.present) == (200, "Dawn", cast)


def test_null_is_as_if_the_field_were_not_there_but_for_what_is_said(client, chat, told):
    said = [send(client, path, text=None) for path in (f"/chats/{chat.id}/turns/", door(chat, told["primary"], "edit"))]
    planned = send(client, f"/chats/{chat.id}/story-events/", title="Open it", description=None)

    assert [(one.status_code, one.json()["detail"]) for one in said] == [(422, "text has to be text.")] * 2
    assert planned.status_code == 201


def test_a_field_that_nobody_reads_is_passed_over(rf):
    sent = {"text": "Hello", "meta": {"a": 1}, "stream": True}

    assert fields(rf.post("/", sent, content_type="application/json"))["text"] == "Hello"


def test_tags_are_taken_as_an_array_and_as_a_line(client):
    for name, tags in (("Zed", ["north", "salt"]), ("Ada", "north, salt")):
        made = send(client, "/characters/", name=name, tags=tags)
        assert (made.status_code, Character.objects.get(name=name).tags) == (201, ["north", "salt"])
