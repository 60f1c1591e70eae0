"""The doors that read JSON take text where text is meant, and nothing else for it."""

import pytest

from tests.chat.pages.conftest import door
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

    assert (answer.status_code, answer.json()["detail"]) == (422, "characters: this has to be a number.")


def test_null_is_as_if_the_field_were_not_there(client, chat, told):
    edited = send(client, door(chat, told["primary"], "edit"), text=None)
    planned = send(client, f"/chats/{chat.id}/story-events/", title="Open it", description=None)

    assert (edited.status_code, planned.status_code) == (422, 201)
    assert "at least one word" in edited.json()["detail"]
