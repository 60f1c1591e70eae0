"""What the tests of the readers may ask for: a chat of three, and a model that reads."""

import pytest

from chat.log.models import Event
from chat.story.known import Knowledge, known_to
from chat.story.models import Chat
from chat.turns import scenes, story_events
from tests.factories import cast_of, make_chat, owner_of, say
from tests.facts import reply
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


def close(chat: Chat) -> int:
    """Close the open scene; the position of its event."""
    scenes.close_scene(Chat.objects.get(id=chat.id), by=owner_of(chat))
    return newest("scene_closed")


def newest(kind: str) -> int:
    return Event.objects.filter(kind=kind).latest("position").position


def known(chat: Chat, name: str, **how: object) -> Knowledge:
    return known_to(chat, cast_of(chat)[name], **{"about": "", "tokens": 500} | how)


def secret_scene(chat: Chat) -> tuple[int, int, int]:
    """Tom leaves, something is said, Tom comes back: what was said first, the secret, and the close."""
    owner, tom = owner_of(chat), cast_of(chat)["Tom"]
    first = say(chat, "Good evening, Tom.")
    scenes.leave(chat, character=tom, by=owner)
    secret = reply(chat, "Mara", "“Ilse, the letter is under the stair. I swear.”")
    scenes.enter(chat, character=tom, by=owner)
    return first, secret, close(chat)
