"""What the tests of the readers may ask for: a chat of three, and a model that reads."""

import pytest

from chat.story.models import Chat
from chat.turns import story_events
from tests.factories import make_chat, owner_of
from tests.model_server import ScriptedModelServer

NOTHING = {"planned": [], "moved": [], "memories": [], "feelings": []}


@pytest.fixture
def chat(transactional_db) -> Chat:
    return make_chat(names=("Mara", "Ilse", "Tom"))


@pytest.fixture
def reader(model, settings) -> ScriptedModelServer:
    settings.READER_URL, settings.READER_MODEL = model.url, "scripted"
    return model


def planned(chat: Chat, title: str = "Open the sealed letter") -> int:
    return story_events.plan(chat, title=title, by=owner_of(chat))
