"""The composed statements say what the ORM would have said."""

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection, transaction
from django.forms.models import model_to_dict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.log.models import Event, Stream
from chat.log.streams import create_stream
from chat.statements import fetch, insert, update
from chat.story.models import Chat
from tests.factories import make_chat, make_user

pytestmark = pytest.mark.django_db


def _event(stream: Stream, version: int) -> Event:
    payload = {"text": "Naïve “words”\n", "nested": [1, None, {"a": 0.5}]}
    return Event(stream=stream, version=version, kind="said", payload=payload, recorded_at=timezone.now(), actor="x")


def test_a_fetched_row_is_the_row_that_the_orm_reads() -> None:
    chat = make_chat(make_user())
    fetched, read = fetch(Chat, column="id", value=chat.id), Chat.objects.get(id=chat.id)
    assert vars(fetched) | {"_state": None} == vars(read) | {"_state": None}
    assert fetched == read


def test_what_is_not_there_cannot_be_fetched() -> None:
    with pytest.raises(ObjectDoesNotExist):
        fetch(Stream, column="name", value="chat-0")


def test_inserted_rows_get_their_keys_in_order_and_read_back_the_same() -> None:
    events = [_event(create_stream("chat"), version) for version in (1, 2, 3)]
    insert(events)
    read = list(Event.objects.order_by("version"))
    assert [event.position for event in events] == [event.position for event in read]
    assert [model_to_dict(event) for event in events] == [model_to_dict(event) for event in read]
    assert not events[0]._state.adding


def test_an_update_writes_the_named_fields_and_no_other() -> None:
    stream = create_stream("chat")
    stream.version, stream.head = 7, 9
    update(stream, ["version"])
    stream.refresh_from_db()
    assert (stream.version, stream.head) == (7, 0)


def test_a_held_row_is_locked_where_the_database_has_row_locks() -> None:
    stream = create_stream("chat")
    with transaction.atomic(), CaptureQueriesContext(connection) as said:
        fetch(Stream, column="id", value=stream.pk, hold=True)
    locks = said[0]["sql"].endswith("FOR NO KEY UPDATE")
    assert locks == connection.features.has_select_for_no_key_update
