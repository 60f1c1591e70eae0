"""What tests begin with: a player, two or three characters, a chat."""

import itertools

from django.contrib.auth.models import User
from django.utils import timezone

from chat.log.models import Event, Stream
from chat.story.models import Character, Chat
from chat.turns import chats, exchange
from chat.turns.characters import Details, create_character

_numbers = itertools.count(1)


def make_user(name: str = "") -> User:
    return User.objects.create_user(name or f"player-{next(_numbers)}")


def make_character(owner: User, name: str, **details: object) -> Character:
    return create_character(owner, Details(name=name, **details))


def make_chat(owner: User | None = None, *, names: tuple[str, ...] = ("Mara", "Ilse"), **about: str) -> Chat:
    owner = owner or make_user()
    characters = [make_character(owner, name, description=f"{name} of the lighthouse") for name in names]
    about = {"title": "Night watch", "premise": "A lamp must be kept burning.", **about}
    return Chat.objects.get(id=chats.begin_chat(owner, characters=characters, **about))


def owner_of(chat: Chat) -> User:
    return User.objects.get(id=chat.owner_id)


def say(chat: Chat, text: str, **how: object) -> int:
    """Record a player's turn without anyone answering; its id."""
    user = how.pop("user", None) or owner_of(chat)
    posted = exchange.record_turn(chat, **({"user": user, "text": text, "speaker": None, "key": None} | how))
    assert posted.turn_id is not None
    return posted.turn_id


def make_event(stream: Stream, version: int) -> Event:
    """An event of no story, not recorded yet."""
    payload = {"text": "Naïve “words”\n", "nested": [1, None, {"a": 0.5}]}
    return Event(stream=stream, version=version, kind="said", payload=payload, recorded_at=timezone.now(), actor="x")


def cast_of(chat: Chat) -> dict[str, int]:
    return dict(chat.cast.values_list("name", "character"))
