"""Scenes: opening, closing, renaming, and who comes and goes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chat.errors import ChatError
from chat.story import writer
from chat.story.models import Chat
from chat.story.payloads import (
    CharacterEntered,
    CharacterExited,
    Payload,
    SceneClosed,
    SceneOpened,
    SceneRenamed,
)
from chat.turns.chats import source

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class NoOpenSceneError(ChatError):
    """No scene is open. Open one first."""

    status = 409


class NotInTheCastError(ChatError):
    """This character is not in the cast of this story."""

    status = 422


def open_scene(chat: Chat, *, title: str, present: Sequence[int], by: "User") -> None:
    """Begin a scene with these characters of the cast; one that is open is closed first. NotInTheCastError."""

    def decider(now: Chat) -> list[Payload]:
        _check_cast(now, present)
        closed: list[Payload] = [SceneClosed(scene=now.scene)] if now.scene else []
        return [*closed, SceneOpened(title=title.strip()[:200], present=tuple(dict.fromkeys(present)))]

    writer.decide(chat.id, decider, source(by))


def close_scene(chat: Chat, *, by: "User") -> None:
    """Close the open scene; NoOpenSceneError."""

    def decider(now: Chat) -> list[Payload]:
        return [SceneClosed(scene=_open_scene(now))]

    writer.decide(chat.id, decider, source(by))


def rename_scene(chat: Chat, *, title: str, by: "User") -> None:
    """Give the open scene another title; NoOpenSceneError."""

    def decider(now: Chat) -> list[Payload]:
        _open_scene(now)
        return [SceneRenamed(title=title.strip()[:200])]

    writer.decide(chat.id, decider, source(by))


def enter(chat: Chat, *, character: int, by: "User") -> None:
    """Bring a character of the cast into the open scene; nothing happens when it is there."""

    def decider(now: Chat) -> list[Payload]:
        _open_scene(now)
        _check_cast(now, [character])
        return [] if character in now.present else [CharacterEntered(character=character)]

    writer.decide(chat.id, decider, source(by))


def leave(chat: Chat, *, character: int, by: "User") -> None:
    """Let a character leave the open scene; nothing happens when it is not there."""

    def decider(now: Chat) -> list[Payload]:
        _open_scene(now)
        return [CharacterExited(character=character)] if character in now.present else []

    writer.decide(chat.id, decider, source(by))


def _open_scene(chat: Chat) -> int:
    if chat.scene is None:
        raise NoOpenSceneError
    return chat.scene


def _check_cast(chat: Chat, characters: Sequence[int]) -> None:
    if set(characters) - set(chat.cast.values_list("character", flat=True)):
        raise NotInTheCastError
