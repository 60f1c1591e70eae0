"""A chat, and a model server that answers in it."""

import pytest

from chat.story.models import Chat
from tests.factories import make_chat
from tests.model_server import ScriptedModelServer


@pytest.fixture
def server(settings):
    with ScriptedModelServer() as server:
        settings.MODEL_URL, settings.MODEL = server.url, "scripted"
        yield server


@pytest.fixture
def chat() -> Chat:
    return make_chat()
