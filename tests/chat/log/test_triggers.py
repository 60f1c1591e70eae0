import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from chat.log import triggers
from chat.log.append import NewEvent, append
from chat.log.models import Event
from chat.log.streams import create_stream, lock

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def event() -> Event:
    with transaction.atomic():
        return append(
            lock(create_stream("chat").name),
            [NewEvent(kind="user_turn", payload={"text": "ink"}, recorded_at=timezone.now(), actor="user:1")],
        ).events[0]


def test_an_event_cannot_be_changed(event):
    with pytest.raises(DatabaseError, match="append-only"):
        Event.objects.update(actor="someone else")


def test_an_event_cannot_be_deleted(event):
    with pytest.raises(DatabaseError, match="append-only"):
        event.delete()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no TRUNCATE")
def test_the_log_cannot_be_truncated(event):
    with pytest.raises(DatabaseError, match="append-only"), connection.cursor() as cursor:
        cursor.execute("TRUNCATE chat_event CASCADE")


def test_the_system_check_sees_a_missing_trigger():
    assert triggers.check_triggers(databases=["default"]) == []

    with triggers.lifted():
        errors = triggers.check_triggers(databases=["default"])

    assert [error.id for error in errors] == ["chat.E001"]
    assert triggers.standing()


def test_migrate_makes_the_triggers_again():
    triggers.drop()

    triggers.install_after_migrate(using="default")

    assert triggers.standing()
