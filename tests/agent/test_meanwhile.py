"""What happens while a model is asked: turns that are superseded meanwhile, and no transaction open."""

import threading

import pytest
from django.db import connection

from agent.models import Attempt, Bookmark
from agent.subscriptions.base import Done, Outcome, Skip
from chat.log.models import Event
from chat.story.models import Chat, Turn
from chat.story.payloads import ChatRenamed
from tests.agent.readers import notes, supersede
from tests.factories import make_chat, say

pytestmark = pytest.mark.django_db(transaction=True)
State = Attempt.Outcome


def outcomes(event: int) -> list[str]:
    return list(Attempt.objects.filter(event=event).order_by("id").values_list("outcome", flat=True))


def lane(chat, name: str = "noter") -> Bookmark:
    return Bookmark.objects.get(subscriber=name, stream__name=chat.stream)


def fail_on(text: str, error: Exception):
    def act(event: Event) -> None:
        if event.payload["text"] == text:
            # The same exception again would drag its former traceback along.
            raise error.with_traceback(None)

    return act


def test_a_turn_superseded_while_it_is_read_is_discarded(noter, work_off):
    chat = make_chat()
    turn, after = say(chat, "One"), say(chat, "Two")

    def act(event: Event) -> None:
        if event.position == turn:
            supersede(turn)
            connection.close()

    noter.act = act
    work_off(noter)

    attempt = Attempt.objects.get(event=turn)
    assert (attempt.outcome, attempt.note) == (State.DISCARDED, f"turn {turn} was superseded meanwhile")
    assert notes(chat.id) == [after]


@pytest.mark.parametrize(("rewritten", "ends"), [(1, [State.DONE]), (2, [State.DONE]), (3, [State.FAILED, State.DONE])])
def test_what_rests_on_a_turn_that_was_rewritten_meanwhile_is_worked_out_anew(noter, work_off, rewritten, ends):
    chat = make_chat()
    before, turn = [say(chat, "One") for _ in range(4)], say(chat, "Two")
    standing = list(before)

    def act(event: Event) -> Outcome:
        if event.position != turn:
            return Skip("not it")
        rests_on = tuple(standing)
        if len(before) - len(standing) < rewritten:
            supersede(standing.pop())
        connection.close()
        return Done([ChatRenamed(title=f"rests on {len(rests_on)}")], turns=rests_on)

    noter.act = act
    work_off(noter)

    assert noter.seen.count(turn) == rewritten + 1
    assert outcomes(turn) == ends
    assert notes(chat.id) == [turn]
    assert Chat.objects.get(id=chat.id).title == f"rests on {4 - rewritten}"


def test_nothing_of_a_superseded_turn_is_written_after_the_supersede(noter, work_off):
    """A supersede that comes between the look at the turn and the append has to wait for the commit."""
    chat = make_chat()
    turn = say(chat, "One")
    begun = threading.Event()

    def run() -> None:
        begun.set()
        supersede(turn)
        connection.close()

    other = threading.Thread(target=run)

    def payloads() -> list[ChatRenamed]:
        other.start()
        assert begun.wait(10)
        other.join(0.3)
        assert other.is_alive(), "the stream's lock did not hold it back"
        return [ChatRenamed(title="read")]

    noter.act = lambda _: Done(payloads)
    work_off(noter)
    other.join(30)

    kinds = Event.objects.filter(stream__name=chat.stream, position__gt=turn).order_by("position")
    assert list(kinds.values_list("kind", flat=True)) == ["chat_renamed", "turn_superseded"]
    assert Turn.objects.get(id=turn).superseded_by is not None


def test_no_transaction_is_open_and_no_lock_held_while_a_model_is_asked(noter, work_off):
    if connection.vendor != "postgresql":
        pytest.skip("asks PostgreSQL")
    say(make_chat(), "One")
    found = {}

    def act(_: Event) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND xact_start IS NOT NULL AND backend_type = 'client backend'"
            )
            found["transactions"] = cursor.fetchone()[0]
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE pid <> pg_backend_pid() AND locktype IN ('tuple', 'relation')"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            found["locks"] = cursor.fetchone()[0]
        connection.close()

    noter.act = act
    work_off(noter)

    assert found == {"transactions": 0, "locks": 0}
