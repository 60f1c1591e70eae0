"""The only way an edge gets a chat: through who may see it."""

from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet

from chat.errors import ChatError
from chat.statements import composed
from chat.story.models import END, CastMember, Character, Chat

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser

    type Viewer = AbstractBaseUser | AnonymousUser


class ChatNotFoundError(ChatError):
    """There is no such story, or it is not yours to see."""

    status = 404


class CharacterNotFoundError(ChatError):
    """There is no such character, or it is not yours."""

    status = 404


def get_chat_for(user: "Viewer", chat_id: int) -> Chat:
    """The chat, if the user is a member; ChatNotFoundError otherwise, deleted ones included."""
    # What was sent as a number may be one that no database takes.
    found = _visible(user.pk or 0, chat_id) if 0 < chat_id <= END else []
    if not found:
        raise ChatNotFoundError
    return found[0]


@composed
def _visible(user: int, chat: int) -> "QuerySet[Chat]":
    return Chat.objects.visible_to(user).filter(id=chat)


def get_deleted_chat_for(user: "Viewer", chat_id: int) -> Chat:
    """A deleted chat, for its owner to bring back."""
    try:
        return Chat.objects.exclude(deleted_at=None).get(id=chat_id, owner_id=user.pk or 0)
    except Chat.DoesNotExist:
        raise ChatNotFoundError from None


def branches_for(user: "Viewer", chat: Chat) -> list[Chat]:
    """The chat that this one was branched from, and those branched from it, as far as the user may see them."""
    kin = Q(id=chat.branched_from) | Q(branched_from=chat.id)
    return list(Chat.objects.visible_to(user.pk).filter(kin).order_by("id"))


def get_character_for(user: "Viewer", character_id: int) -> Character:
    """A character of the user's own; CharacterNotFoundError otherwise."""
    try:
        return Character.objects.get(id=character_id, owner_id=user.pk or 0)
    except Character.DoesNotExist:
        raise CharacterNotFoundError from None


def may_see_portrait(user: "Viewer", portrait: str) -> bool:
    """Whether a portrait is of the user's own characters or of a cast the user plays with."""
    return (
        Character.objects.filter(owner_id=user.pk or 0, portrait=portrait).exists()
        or CastMember.objects.filter(
            chat__membership__user_id=user.pk or 0, chat__deleted_at=None, card__portrait=portrait
        ).exists()
    )
