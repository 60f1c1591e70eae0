"""A chat, and its owner before a browser; the tests of coming in have a client of their own."""

import pytest
from django.test import Client

from chat.story.models import Chat
from tests.factories import make_chat, owner_of


@pytest.fixture
def chat() -> Chat:
    return make_chat()


@pytest.fixture
def client(chat: Chat) -> Client:
    """Signed in as the chat's owner."""
    client = Client()
    client.force_login(owner_of(chat))
    return client


def page(client: Client, path: str) -> str:
    return client.get(path).content.decode()
