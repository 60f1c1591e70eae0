"""Beginning a chat, and what its owner does with it as a whole."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils import timezone

from chat.errors import ChatError
from chat.story import writer
from chat.story.chat_payloads import Eagerness, InterjectionsSet
from chat.story.models import Character, Chat
from chat.story.payloads import (
    AssistantTurn,
    CharacterEntered,
    CharacterJoined,
    ChatArchived,
    ChatCreated,
    ChatDeleted,
    ChatPinned,
    ChatRenamed,
    ChatUnarchived,
    ChatUndeleted,
    ChatUnpinned,
    Payload,
    PersonaChanged,
    PremiseChanged,
    SceneOpened,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import User

TITLE_CHARACTERS = 200


class NoCastError(ChatError):
    """A story needs at least one character. Choose one or write a new one."""

    status = 422


class NoTitleError(ChatError):
    """A story needs a title of 1 to 200 characters."""

    status = 422


class SameNameError(ChatError):
    """Two in a story cannot have the same name: nobody could tell whom you mean. Rename one of them first."""

    status = 422


def source(by: "User", *, at: datetime | None = None) -> writer.Source:
    """What a user does now."""
    return writer.Source(actor=actor(by), at=at or timezone.now())


def actor(user: "User") -> str:
    """A user as the log names it."""
    return f"user:{user.pk}"


def user_of(actor: str) -> int | None:
    """The id of the user whom the log names so; None when it is no user."""
    kind, _, number = actor.partition(":")
    return int(number) if kind == "user" and number.isdecimal() else None


def begin_chat(  # noqa: PLR0913  (what a chat is begun with)
    user: "User",
    *,
    title: str,
    premise: str,
    characters: Sequence[Character],
    persona: str = "You",
    persona_description: str = "",
    scene_title: str = "",
) -> int:
    """Begin a chat with these characters present in its first scene, each greeting if it has a greeting; its id.

    Raises NoTitleError, NoCastError and SameNameError.
    """
    if not characters:
        raise NoCastError
    for number, character in enumerate(characters):
        refuse_namesake(character.name, (other.name for other in characters[:number]), story=title)
    created = ChatCreated(
        title=_checked_title(title),
        premise=premise.strip(),
        owner=user.pk,
        persona=persona.strip() or "You",
        persona_description=persona_description.strip(),
        cast=tuple(character.card() for character in characters),
    )
    scene = SceneOpened(title=scene_title.strip(), present=tuple(character.pk for character in characters))
    greetings = [
        AssistantTurn(speaker=character.pk, text=character.greeting) for character in characters if character.greeting
    ]
    return writer.create_chat(created, [scene, *greetings], source(user))


def rename(chat: Chat, *, title: str, by: "User") -> None:
    """Give the chat another title; NoTitleError."""
    _write(chat, ChatRenamed(title=_checked_title(title)), by)


def change_premise(chat: Chat, *, premise: str, by: "User") -> None:
    """Write anew what the story starts from."""
    _write(chat, PremiseChanged(premise=premise.strip()), by)


def change_persona(chat: Chat, *, name: str, description: str, by: "User") -> None:
    """Change who the player is; an empty name means "You"."""
    _write(chat, PersonaChanged(name=name.strip() or "You", description=description.strip()), by)


def set_interjections(chat: Chat, *, eagerness: Eagerness, by: "User") -> None:
    """Let silent witnesses speak up more readily from here on, or less, or not at all."""
    _write(chat, InterjectionsSet(eagerness=eagerness), by)


def pin(chat: Chat, *, by: "User") -> None:
    """Put the chat on top of the list."""
    _write(chat, ChatPinned(), by)


def unpin(chat: Chat, *, by: "User") -> None:
    """Let the chat stand by its date again."""
    _write(chat, ChatUnpinned(), by)


def archive(chat: Chat, *, by: "User") -> None:
    """Put the chat away."""
    _write(chat, ChatArchived(), by)


def unarchive(chat: Chat, *, by: "User") -> None:
    """Take the chat out again."""
    _write(chat, ChatUnarchived(), by)


def delete(chat: Chat, *, by: "User") -> None:
    """Take the chat out of every list; its log stands, and `undelete` brings it back."""
    _write(chat, ChatDeleted(), by)


def undelete(chat: Chat, *, by: "User") -> None:
    """Bring a deleted chat back."""
    _write(chat, ChatUndeleted(), by)


def add_character(chat: Chat, *, character: Character, by: "User") -> None:
    """Put a character into the cast and, when a scene is open, into the scene; harmless when it is in it.

    Raises SameNameError.
    """

    def decider(now: Chat) -> list[Payload]:
        joined: list[Payload] = []
        if not now.cast.filter(character=character.pk).exists():
            refuse_namesake(character.name, now.cast.values_list("name", flat=True), story=now.title)
            joined.append(CharacterJoined(card=character.card()))
        if now.scene and character.pk not in now.present:
            joined.append(CharacterEntered(character=character.pk))
        return joined

    writer.decide(chat.id, decider, source(by))


def refuse_namesake(name: str, others: Iterable[str], *, story: str) -> None:
    """Raise SameNameError when one of the others in a story could not be told apart by how they are addressed."""
    for other in others:
        if other.casefold() == name.casefold():
            raise SameNameError(
                f"Two in “{story.strip()}” would be called {other}: nobody could tell whom you mean. "
                "Rename one of them first."
            )


def _write(chat: Chat, payload: Payload, by: "User") -> None:
    writer.write(chat.id, [payload], source(by))


def _checked_title(title: str) -> str:
    title = " ".join(title.split())
    if not 1 <= len(title) <= TITLE_CHARACTERS:
        raise NoTitleError
    return title
