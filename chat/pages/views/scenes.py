"""Opening, closing and naming scenes; who enters and who leaves."""

from django.contrib.auth.models import User

from chat.pages.doors import Sent, deed
from chat.pages.forms import number, numbers, text
from chat.story.models import Chat
from chat.turns import scenes as deeds


@deed
def scene_open(chat: Chat, sent: Sent, by: User) -> None:
    """Open a scene (`title`, `present` repeated); the one before it is closed."""
    deeds.open_scene(chat, title=text(sent, "title"), present=numbers(sent, "present"), by=by)


@deed
def scene_close(chat: Chat, _: Sent, by: User) -> None:
    """Close the open scene."""
    deeds.close_scene(chat, by=by)


@deed
def scene_rename(chat: Chat, sent: Sent, by: User) -> None:
    """Give the open scene another title (`title`)."""
    deeds.rename_scene(chat, title=text(sent, "title"), by=by)


@deed
def scene_enter(chat: Chat, sent: Sent, by: User) -> None:
    """Bring a character of the cast (`character`) into the open scene."""
    deeds.enter(chat, character=number(sent, "character"), by=by)


@deed
def scene_leave(chat: Chat, sent: Sent, by: User) -> None:
    """Let a character (`character`) leave the open scene."""
    deeds.leave(chat, character=number(sent, "character"), by=by)
