"""Scenes and who is present in them."""

from chat.log.models import Event
from chat.rows import insert
from chat.story.meanwhile_payloads import MeanwhileOpened
from chat.story.models import Chat, Meanwhile, Scene
from chat.story.payloads import (
    CharacterEntered,
    CharacterExited,
    SceneClosed,
    SceneOpened,
    SceneRenamed,
)

type ScenePayload = SceneOpened | SceneRenamed | SceneClosed | CharacterEntered | CharacterExited


def apply(chat: Chat, event: Event, payload: ScenePayload) -> None:
    """Write the rows of one event; the chat's own row is saved by the caller."""
    match payload:
        case SceneOpened():
            _open(chat, event, payload)
        case SceneRenamed():
            chat.scene_title = payload.title
            Scene.objects.filter(chat=chat, number=chat.scene_number).update(title=payload.title)
        case SceneClosed():
            Scene.objects.filter(id=payload.scene).update(closed_at=event.recorded_at)
            chat.scene, chat.scene_title, chat.present = None, "", []
        case CharacterEntered():
            chat.present = [*(id_ for id_ in chat.present if id_ != payload.character), payload.character]
        case CharacterExited():
            chat.present = [id_ for id_ in chat.present if id_ != payload.character]


def open_meanwhile(chat: Chat, event: Event, opened: MeanwhileOpened) -> None:
    """Write the row of a meanwhile."""
    names = dict(chat.cast.values_list("character", "name"))
    row = Meanwhile(
        id=event.position,
        chat=chat,
        number=chat.meanwhiles.count() + 1,
        characters=list(opened.characters),
        names=[names[character] for character in opened.characters],
        direction=opened.direction,
    )
    insert([row])


def _open(chat: Chat, event: Event, opened: SceneOpened) -> None:
    chat.scene_number += 1
    chat.scene, chat.scene_title, chat.present = event.position, opened.title, list(opened.present)
    row = Scene(
        id=event.position,
        chat=chat,
        number=chat.scene_number,
        title=opened.title,
        opened_at=event.recorded_at,
    )
    insert([row])
