"""django-eventstream on our log: the ids of its events are log positions, so `Last-Event-ID` resumes exactly."""

import json
from typing import Any

from django.db import close_old_connections, connection
from django_eventstream.channelmanager import ChannelManagerBase
from django_eventstream.event import Event
from django_eventstream.storage import StorageBase
from django_eventstream.views import Listener, get_listener_manager

from chat.errors import ChatError
from chat.log import read
from chat.story.access import get_chat_for
from chat.streaming import frames
from chat.streaming.frame import Frame

PREFIX = "chat-"


class LogStorage(StorageBase):  # type: ignore[misc]  # the library has no types
    """Reads a chat's stream as frames; nothing is ever written through it."""

    def append_event(self, channel: str, event_type: str, data: object) -> Event:
        """Refused: the only way to tell something here is to append it to the log."""
        raise NotImplementedError

    def get_events(self, channel: str, last_id: int, limit: int = 100) -> list[Event]:
        """The frames after a position, at most `limit`; one `reset` for a listener that is far behind."""
        try:
            batch = frames.after(chat_of(channel), last_id)
            if batch.too_far:
                far = frames.reset(batch.position)
                return [_event(channel, far)]
            return [_event(channel, frame) for frame in batch.frames][:limit]
        finally:
            _let_go()

    def get_current_id(self, channel: str) -> int:
        """The newest position."""
        try:
            return read.head(channel)
        finally:
            _let_go()


class MembersOnly(ChannelManagerBase):  # type: ignore[misc]  # the library has no types
    """A chat's channel has the name of its stream, and is there for members of the chat."""

    def get_channels_for_request(self, request: Any, view_kwargs: dict[str, Any]) -> set[str]:
        """The one channel of the chat in the URL."""
        return {f"{PREFIX}{view_kwargs['chat_id']}"}

    def can_read_channel(self, user: Any, channel: str) -> bool:
        """Whether the user is still a member; asked before each reading."""
        close_old_connections()
        if user is None:
            return False
        try:
            get_chat_for(user, chat_of(channel))
        except ChatError:
            _let_go()
            return False
        return True

    def is_channel_reliable(self, channel: str) -> bool:
        """All of them are kept: in the log."""
        return True


class SessionListener(Listener):  # type: ignore[misc]  # the library has no types
    """A listener that knows under which session it was let in."""

    session = ""


def chat_of(channel: str) -> int:
    """The chat of a channel, which is named like its stream."""
    return int(channel.removeprefix(PREFIX))


def listening() -> dict[int, list[SessionListener]]:
    """The listeners of this process, by chat."""
    manager = get_listener_manager()
    with manager.lock:
        return {chat_of(name): list(listeners) for name, listeners in manager.listeners_by_channel.items()}


def wake(chat_id: int) -> None:
    """Have the listeners of a chat read on from where they are. Safe from any thread."""
    manager = get_listener_manager()
    with manager.lock:
        for listener in manager.listeners_by_channel.get(f"{PREFIX}{chat_id}", ()):
            # The library's word for "items were lost, look into the storage": exactly what a bell means.
            listener.overflow = True
            listener.wake_threadsafe()


def dismiss(chat_id: int, session: str) -> None:
    """End the event streams that this session has of a chat."""
    for listener in listening().get(chat_id, ()):
        if listener.session == session:
            listener.error = {"condition": "forbidden", "text": "You may no longer read this."}
            listener.wake_threadsafe()


def _event(channel: str, frame: Frame) -> Event:
    data = frame.body["html"] if frame.type == "turn_html" else json.dumps(frame.body, ensure_ascii=False)
    return Event(channel, frame.type, data, id=frame.position)


def _let_go() -> None:
    # Each stream reads in a thread of its own, which would keep its connection for as long as the stream lasts.
    if not connection.in_atomic_block:
        connection.close()
