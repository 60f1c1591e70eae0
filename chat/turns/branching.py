"""Going another way from a turn: a chat of one's own that begins as the story stood there."""

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from chat.errors import ChatError
from chat.story import writer
from chat.story.branching import history_of
from chat.story.chat_payloads import Branched
from chat.story.models import Chat, Turn
from chat.story.payloads import ChatCreated, ChatRenamed, Payload
from chat.turns.chats import TITLE_CHARACTERS, source

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class NoTurnToBranchFromError(ChatError):
    """There is no such turn in this story, or it no longer stands."""

    status = 404


def branch(chat: Chat, *, turn: int, by: "User") -> int:
    """Begin a chat with the turns up to this one, their older writings and all that follows from them; its id.

    It belongs to whoever branches. Raises NoTurnToBranchFromError.
    """
    try:
        last = chat.turns.live().get(id=turn)
    except Turn.DoesNotExist:
        raise NoTurnToBranchFromError from None
    (first, created), *history = history_of(chat, turn=last)
    own = replace(cast("ChatCreated", created), owner=by.pk)
    number = Chat.objects.filter(branched_from=chat.id).count() + 1
    mark = f" · branch {number}"
    then: list[Payload] = [
        ChatRenamed(title=chat.title[: TITLE_CHARACTERS - len(mark)] + mark),
        Branched(chat=chat.id, turn=turn),
    ]
    return writer.copy_chat([(first, own), *history], then, source(by))
