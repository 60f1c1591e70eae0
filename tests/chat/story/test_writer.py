"""Two who write into one chat: the second goes on from what the first has left."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from chat.story import rebuild
from chat.story.models import Chat, Turn
from tests.factories import make_chat, say
from tests.servers import eventually
from tests.transactions import in_mid_transaction

pytestmark = pytest.mark.django_db(transaction=True)


def someone_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])


def say_while_not_committed(chat: Chat, act: Callable[[], object]) -> None:
    def last() -> None:
        try:
            say(chat, "And I heard it.")
        finally:
            connection.close()

    saying = threading.Thread(target=last)
    with in_mid_transaction(act):
        saying.start()
        if connection.vendor == "postgresql":
            eventually(someone_waits, what="the second to wait for the first")
    saying.join(30)


def test_what_is_said_while_another_is_not_yet_committed_is_folded_after_it():
    chat = make_chat()

    say_while_not_committed(chat, lambda: say(chat, "A door falls shut."))

    assert list(Turn.objects.order_by("place").values_list("text", flat=True)) == [
        "A door falls shut.",
        "And I heard it.",
    ]
    chat.refresh_from_db()
    assert chat.turn_count == 2
    assert rebuild.differences(chat.id) == []


def test_what_is_said_while_the_tables_are_made_anew_is_folded_into_the_new_ones():
    chat = make_chat()
    say(chat, "A door falls shut.")

    say_while_not_committed(chat, lambda: rebuild.rebuild(chat.id))

    chat.refresh_from_db()
    assert chat.turn_count == 2
    assert rebuild.differences(chat.id) == []
