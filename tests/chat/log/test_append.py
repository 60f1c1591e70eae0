import threading

import pytest
from django.db import connection, transaction
from django.utils import timezone

from chat.log.append import KeyReusedError, NewEvent, StaleVersionError, append
from chat.log.models import Event, Stream
from chat.log.read import events_of, head
from chat.log.streams import NoSuchStreamError, create_stream, lock
from tests.transactions import in_mid_transaction

pytestmark = pytest.mark.django_db(transaction=True)


def new(text: str = "a word", *, key: str | None = None, kind: str = "user_turn") -> NewEvent:
    return NewEvent(kind=kind, payload={"text": text}, recorded_at=timezone.now(), actor="user:1", key=key)


def put(stream: Stream, *news: NewEvent, **how: int) -> list[Event]:
    with transaction.atomic():
        return append(lock(stream.name), news, **how).events


def test_versions_have_no_gaps_and_the_stream_knows_its_head():
    stream = create_stream("chat")

    first = put(stream, new("one"), new("two"))
    second = put(stream, new("three"))

    assert [event.version for event in [*first, *second]] == [1, 2, 3]
    assert head(stream.name) == second[0].position
    assert [event.payload["text"] for event in events_of(stream.name)] == ["one", "two", "three"]
    assert events_of(stream.name, after=first[0].position, limit=1)[0].payload == {"text": "two"}


def test_a_stale_version_is_refused_and_nothing_is_written():
    stream = create_stream("chat")
    put(stream, new())

    with pytest.raises(StaleVersionError):
        put(stream, new(), expected_version=0)

    assert len(events_of(stream.name)) == 1


def test_the_same_key_and_body_give_the_same_event():
    stream = create_stream("chat")

    first = put(stream, new("once", key="user:1:a"))
    with transaction.atomic():
        again = append(lock(stream.name), [new("once", key="user:1:a")])

    assert again.repeated
    assert again.events[0].position == first[0].position
    assert Event.objects.count() == 1


def test_a_key_with_another_body_is_refused():
    stream = create_stream("chat")
    put(stream, new("once", key="user:1:a"))

    with pytest.raises(KeyReusedError):
        put(stream, new("otherwise", key="user:1:a"))


def test_two_streams_may_use_one_players_key_but_an_operators_key_is_used_once():
    one, other = create_stream("chat"), create_stream("chat")
    put(one, new(key="user:1:a"))
    put(other, new(key="user:1:a"))
    put(one, new(key="operator:1:a"))

    with pytest.raises(Exception, match=r"(?i)unique"):
        put(other, new(key="operator:1:a"))


def test_nul_and_lone_surrogates_are_dropped_at_the_door():
    stream = create_stream("chat")

    event = put(
        stream,
        NewEvent(
            kind="user_turn",
            payload={"text": "a\x00b\ud800c", "tags": ["x\x00"], "cast": [{"name": "M\x00"}]},
            recorded_at=timezone.now(),
            actor="user:1",
        ),
    )[0]

    event.refresh_from_db()
    assert event.payload == {"text": "abc", "tags": ["x"], "cast": [{"name": "M"}]}


def test_a_stream_that_does_not_exist_is_refused():
    with pytest.raises(NoSuchStreamError), transaction.atomic():
        lock("chat-999")


def test_many_writers_leave_no_gap_and_positions_rise_with_versions():
    streams = [create_stream("chat") for _ in range(3)]

    def write(number: int) -> None:
        try:
            for turn in range(10):
                put(streams[(number + turn) % 3], new(f"{number}/{turn}"))
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)

    for stream in streams:
        events = list(Event.objects.filter(stream=stream).order_by("version"))
        stream.refresh_from_db()
        assert [event.version for event in events] == list(range(1, len(events) + 1))
        assert [event.position for event in events] == sorted(event.position for event in events)
        assert (stream.version, stream.head) == (len(events), events[-1].position)
    assert Event.objects.count() == 40


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one lock for the whole database")
def test_appending_to_two_chats_does_not_wait():
    held, free = create_stream("chat"), create_stream("chat")

    with in_mid_transaction(lambda: append(lock(held.name), [new()])):
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '2s'")
            assert put(free, new())[0].version == 1
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = 0")
