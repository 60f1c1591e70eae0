"""A chat, and its owner before a browser; the tests of coming in have a client of their own."""

import pytest
from django.test import Client

from chat.story.fact_payloads import EventStarted, MemoryFormed
from chat.story.models import Chat
from tests.factories import cast_of, make_chat, owner_of, say
from tests.facts import moved, planned, record, reply


@pytest.fixture
def chat() -> Chat:
    return make_chat()


@pytest.fixture
def client(chat: Chat) -> Client:
    """Signed in as the chat's owner."""
    client = Client()
    client.force_login(owner_of(chat))
    return client


@pytest.fixture
def told(chat: Chat) -> dict[str, int]:
    """A turn group with all that a turn can cause, and a turn after it."""
    cast = cast_of(chat)
    own = say(chat, "Mara?")
    primary = reply(chat, "Mara", "“I open it.”", group=own)
    interjection = reply(chat, "Ilse", "“No!”", group=own, interjection_of=cast["Mara"])
    story_event = planned(chat)
    moved(chat, EventStarted, story_event, primary)
    record(chat, MemoryFormed(witness=cast["Ilse"], text="She opened it.", importance=5, turn=primary))
    record(chat, MemoryFormed(witness=cast["Mara"], text="Ilse cried no.", importance=5, turn=interjection))
    later = reply(chat, "Mara", "“Too late.”")
    return {
        "own": own, "primary": primary, "interjection": interjection, "story_event": story_event, "later": later,
    }  # fmt: skip


def page(client: Client, path: str) -> str:
    return client.get(path).content.decode()


def door(chat: Chat, turn: int, act: str) -> str:
    return f"/chats/{chat.id}/turns/{turn}/{act}/"
