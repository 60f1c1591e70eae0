"""A chat, and a model server that answers in it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chat.story.models import Chat
from chat.turns import generation
from tests.factories import make_chat
from tests.model_server import ScriptedModelServer


@pytest.fixture(autouse=True)
async def nothing_goes_on() -> AsyncIterator[None]:
    """What a test began ends with it, the model server being gone by then; else it stands in the next one's way."""
    yield
    async with asyncio.timeout(20):
        await generation.idle()


@pytest.fixture
def server(settings):
    with ScriptedModelServer() as server:
        settings.MODEL_URL, settings.MODEL = server.url, "scripted"
        yield server


@pytest.fixture
def chat() -> Chat:
    return make_chat()
