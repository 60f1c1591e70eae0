"""What a player does to the facts by hand: plan, edit, start, complete, cancel; have a memory forgotten, or not."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chat.errors import ChatError
from chat.story import lifecycle, writer
from chat.story.fact_models import Memory, StoryEvent
from chat.story.fact_payloads import (
    EventEdited,
    EventPlanned,
    MemoryDismissed,
    MemoryRecalled,
    MilestoneReached,
)
from chat.story.models import Chat
from chat.story.payloads import Payload
from chat.turns.chats import source

if TYPE_CHECKING:
    from django.contrib.auth.models import User

TITLE_CHARACTERS = 200
DESCRIPTION_CHARACTERS = 2000


class NoStoryEventTitleError(ChatError):
    """Say in 1 to 200 characters what is to happen."""

    status = 422


class DescriptionTooLongError(ChatError):
    """A description may have 2,000 characters at most."""

    status = 422


class NoSuchStoryEventError(ChatError):
    """There is nothing like this afoot in this story."""

    status = 404


class IllegalTransitionError(ChatError):
    """This cannot follow on how things stand."""

    status = 409


class NoSuchMemoryError(ChatError):
    """There is no such memory in this story."""

    status = 404


def plan(chat: Chat, *, title: str, description: str = "", by: "User") -> int:
    """Plan a story event; its id. Raises NoStoryEventTitleError and DescriptionTooLongError."""
    planned = EventPlanned(title=_checked_title(title), description=_checked_description(description))
    return writer.write(chat.id, [planned], source(by)).events[0].position


def edit(chat: Chat, *, story_event: int, title: str, description: str, by: "User") -> None:
    """Call or describe a story event otherwise; NoSuchStoryEventError and those of `plan`."""
    _story_event(chat, story_event)
    edited = EventEdited(
        story_event=story_event, title=_checked_title(title), description=_checked_description(description)
    )
    writer.write(chat.id, [edited], source(by))


def start(chat: Chat, *, story_event: int, by: "User") -> None:
    """Let a planned story event begin; NoSuchStoryEventError, IllegalTransitionError."""
    _move(chat, story_event, "active", by)


def complete(chat: Chat, *, story_event: int, by: "User") -> None:
    """Say that a story event has happened, which makes it a milestone; errors as in `start`."""
    _move(chat, story_event, "completed", by)


def cancel(chat: Chat, *, story_event: int, by: "User") -> None:
    """Say that a story event will not happen; errors as in `start`."""
    _move(chat, story_event, "cancelled", by)


def forget(chat: Chat, *, memory: int, by: "User") -> None:
    """Have a memory forgotten: it is in no prompt any more; nothing happens when it was. NoSuchMemoryError."""

    def decider(now: Chat) -> list[Payload]:
        return [] if _memory(now, memory).dismissed_by else [MemoryDismissed(memory=memory)]

    writer.decide(chat.id, decider, source(by))


def recall(chat: Chat, *, memory: int, by: "User") -> None:
    """Take it back that a memory was forgotten; nothing happens when it was not. NoSuchMemoryError."""

    def decider(now: Chat) -> list[Payload]:
        return [MemoryRecalled(memory=memory)] if _memory(now, memory).dismissed_by else []

    writer.decide(chat.id, decider, source(by))


def _memory(chat: Chat, memory: int) -> Memory:
    try:
        return Memory.objects.get(chat=chat, id=memory)
    except Memory.DoesNotExist:
        raise NoSuchMemoryError from None


def _move(chat: Chat, story_event: int, to: lifecycle.Status, by: "User") -> None:
    def decider(now: Chat) -> Sequence[Payload]:
        found = _story_event(now, story_event)
        status: lifecycle.Status = found.status  # type: ignore[assignment]
        moved = lifecycle.transitions(story_event, status=status, to=to)
        if not moved:
            raise IllegalTransitionError
        reached = [MilestoneReached(story_event=story_event, text=found.title)] if to == "completed" else []
        return [*moved, *reached]

    writer.decide(chat.id, decider, source(by))


def _story_event(chat: Chat, story_event: int) -> StoryEvent:
    try:
        return StoryEvent.objects.visible().get(chat=chat, id=story_event)
    except StoryEvent.DoesNotExist:
        raise NoSuchStoryEventError from None


def _checked_title(title: str) -> str:
    title = " ".join(title.split())
    if not 1 <= len(title) <= TITLE_CHARACTERS:
        raise NoStoryEventTitleError
    return title


def _checked_description(description: str) -> str:
    if len(description.strip()) > DESCRIPTION_CHARACTERS:
        raise DescriptionTooLongError
    return description.strip()
