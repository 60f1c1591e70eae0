"""Numbers that nothing here can have, in addresses and in what is sent."""

import pytest

from chat.story.access import ChatNotFoundError, get_chat_for
from tests.chat.pages.conftest import page
from tests.factories import owner_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("like", ["x", "-1", "٣", str(2**63), "9" * 5000])
def test_a_new_chat_like_what_is_no_chat_begins_with_nobody_chosen(client, like):
    assert " checked" not in page(client, f"/chats/new/?from={like}")


@pytest.mark.parametrize("number", [-1, -(10**30), 2**63, 10**30])
def test_the_cast_of_what_is_no_chat_cannot_be_adopted(client, number):
    answer = client.post("/characters/adopt/", {"chat": number}, content_type="application/json")

    assert (answer.status_code, answer.json()["detail"]) == (422, "chat: this has to be a whole number.")


@pytest.mark.parametrize("number", [-(10**30), -1, 0, 2**63, 10**30])
def test_there_is_no_chat_whatever_its_number(chat, number):
    with pytest.raises(ChatNotFoundError):
        get_chat_for(owner_of(chat), number)
