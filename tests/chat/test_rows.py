"""Rows are read and written as the ORM would have done it."""

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection, transaction
from django.forms.models import model_to_dict
from django.test.utils import CaptureQueriesContext

from chat.log.models import Event, Stream
from chat.log.streams import create_stream
from chat.rows import fetch, fetch_both, insert, insert_and_update, update
from chat.story.models import Chat
from tests.factories import make_chat, make_event, make_user

pytestmark = pytest.mark.django_db


def test_a_fetched_row_is_the_row_that_the_orm_reads() -> None:
    chat = make_chat(make_user())
    fetched, read = fetch(Chat, id=chat.id), Chat.objects.get(id=chat.id)
    assert vars(fetched) | {"_state": None} == vars(read) | {"_state": None}
    assert fetched == read


def test_what_is_not_there_cannot_be_fetched() -> None:
    with pytest.raises(ObjectDoesNotExist):
        fetch(Stream, name="chat-0")


def test_rows_of_two_models_with_one_key_are_read_and_held_in_one_statement() -> None:
    chat = make_chat(make_user())
    with transaction.atomic(), CaptureQueriesContext(connection) as said:
        stream, row = fetch_both(Stream, Chat, chat.id)
    assert len(said) == 1
    assert said[0]["sql"].endswith("FOR NO KEY UPDATE") == connection.features.has_select_for_no_key_update
    assert vars(stream) | {"_state": None} == vars(Stream.objects.get(name=chat.stream)) | {"_state": None}
    assert vars(row) | {"_state": None} == vars(Chat.objects.get(id=chat.id)) | {"_state": None}


def test_of_two_rows_that_are_not_both_there_none_is_read() -> None:
    stream = create_stream("chat")
    with pytest.raises(ObjectDoesNotExist):
        fetch_both(Stream, Chat, stream.pk)


def test_inserted_rows_get_their_keys_in_order_and_read_back_the_same() -> None:
    events = [make_event(create_stream("chat"), version) for version in (1, 2, 3)]
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
        fetch(Stream, id=stream.pk, hold=True)
    locks = said[0]["sql"].endswith("FOR NO KEY UPDATE")
    assert locks == connection.features.has_select_for_no_key_update


def test_rows_go_in_together_with_the_change_of_another_and_it_learns_the_newest_key() -> None:
    stream, other = create_stream("chat"), create_stream("chat")
    stream.version, stream.name = 2, "not to be written"
    events = [make_event(stream, version) for version in (1, 2)]
    insert_and_update(events, stream, ["version"], newest="head")
    assert [event.position for event in events] == list(
        Event.objects.order_by("version").values_list("position", flat=True)
    )
    assert stream.head == events[-1].position
    assert list(Stream.objects.order_by("id").values_list("name", "version", "head")) == [
        (f"chat-{stream.pk}", 2, stream.head),
        (other.name, 0, 0),
    ]


def test_rows_and_the_change_of_another_are_one_statement_on_postgresql() -> None:
    stream = create_stream("chat")
    with CaptureQueriesContext(connection) as said:
        insert_and_update([make_event(stream, 1)], stream, ["version"], newest="head")
    assert len(said) == (1 if connection.vendor == "postgresql" else 2)
