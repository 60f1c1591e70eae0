"""The library's storage and channel manager on our log."""

import json
from datetime import UTC, datetime

import pytest
from django.db import connection
from django_eventstream.eventrequest import EventRequest
from django_eventstream.eventstream import get_events

from chat.log import read
from chat.story import writer
from chat.story.payloads import ChatRenamed
from chat.streaming.storage import LogStorage, MembersOnly
from chat.turns import chats
from tests.factories import make_chat, make_user, owner_of, say

pytestmark = pytest.mark.django_db(transaction=True)


def test_ids_are_positions_and_turns_are_html():
    chat = make_chat()
    before = LogStorage().get_current_id(chat.stream)
    turn = say(chat, "Who is there?")
    chats.rename(chat, title="Another", by=owner_of(chat))

    said, renamed = LogStorage().get_events(chat.stream, before)

    assert (said.id, said.type) == (turn, "turn_html")
    assert said.data.lstrip().startswith("<article")
    assert (renamed.id, renamed.type, json.loads(renamed.data)) == (turn + 1, "chat", {"position": turn + 1})
    assert LogStorage().get_current_id(chat.stream) == renamed.id


def test_reading_on_from_any_id_gives_exactly_the_rest():
    chat = make_chat()
    before = read.head(chat.stream)
    turns = [say(chat, f"Turn {number}") for number in range(5)]

    for number, turn in enumerate([before, *turns]):
        assert [event.id for event in LogStorage().get_events(chat.stream, turn)] == turns[number:]


def test_one_far_behind_gets_one_reset():
    chat = make_chat()
    before = read.head(chat.stream)
    writer.write(chat.id, [ChatRenamed(title="Again")] * 201, writer.Source(actor="test", at=datetime.now(UTC)))

    [event] = LogStorage().get_events(chat.stream, before)

    assert (event.type, event.id) == ("reset", read.head(chat.stream))


def test_no_connection_is_kept():
    chat = make_chat()
    for ask in (
        lambda: LogStorage().get_current_id(chat.stream),
        lambda: LogStorage().get_events(chat.stream, 0),
        lambda: MembersOnly().can_read_channel(make_user(), chat.stream),
    ):
        ask()
        assert connection.connection is None


def test_only_members_may_read():
    chat = make_chat()
    owner, manager = owner_of(chat), MembersOnly()

    assert manager.can_read_channel(owner, chat.stream)
    assert not manager.can_read_channel(make_user(), chat.stream)
    assert not manager.can_read_channel(None, chat.stream)
    chats.delete(chat, by=owner)
    assert not manager.can_read_channel(owner, chat.stream)


def test_the_library_reads_a_long_absence_page_by_page():
    chat = make_chat()
    request = EventRequest()
    request.user, request.channels, request.is_next = owner_of(chat), {chat.stream}, False
    request.channel_last_ids = {chat.stream: str(read.head(chat.stream))}
    turns = [say(chat, f"Turn {number}") for number in range(150)]

    first, second = get_events(request), get_events(request)

    assert [event.id for event in first.channel_items[chat.stream] + second.channel_items[chat.stream]] == turns


def test_nothing_is_told_but_by_the_log():
    with pytest.raises(NotImplementedError):
        LogStorage().append_event("chat-1", "turn_html", "<p>")
