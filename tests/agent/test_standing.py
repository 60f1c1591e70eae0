"""What operators and players are told of the subscribers."""

import json
import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import InterfaceError, OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agent import registry
from agent.models import Attempt, Bookmark, Subscriber
from agent.operations.desk import in_state
from agent.subscriptions import checks, seeding
from agent.subscriptions.base import Reaction
from chat.llm.errors import ModelOutputError, ModelUnreachableError
from tests.agent.readers import Counter, Noter
from tests.factories import make_chat, owner_of, say

pytestmark = pytest.mark.django_db(transaction=True)
NOTER = "tests.agent.readers.Noter"


@pytest.fixture
def registered(settings) -> Noter:
    """The registered reaction, by the setting for those who extend the site."""
    settings.SUBSCRIBERS = [NOTER]
    settings.RETRY_FIRST_SECONDS = settings.RETRY_LONGEST_SECONDS = 0.0
    noter = registry.reaction("noter")
    noter.act = lambda _: None
    noter.seen.clear()
    seeding.register([noter])
    return noter


def fail(error: Exception):
    def act(_):
        raise error.with_traceback(None)

    return act


def standing(*words: str) -> dict:
    out = StringIO()
    call_command("subscribers", "--format", "json", *words, stdout=out)
    return {one["name"]: one for one in json.loads(out.getvalue())}["noter"]


def reading(client, chat) -> dict:
    client.force_login(owner_of(chat))
    return client.get(f"/agent/chats/{chat.id}/reading/").json()["noter"]


def line(client, chat) -> str:
    return " ".join(client.get(f"/agent/chats/{chat.id}/reading/line/").content.decode().split())


def test_run_reactions_once_works_off_what_is_due_with_no_broker(registered, client):
    chat = make_chat()
    say(chat, "One")
    say(chat, "Two")
    assert standing()["behind_events"] == 0, "a lane has no bookmark before somebody looks"
    assert reading(client, chat) == {"state": "behind", "behind": 2}

    call_command("run_reactions", "--once")

    assert reading(client, chat) == {"state": "live", "behind": 0}
    assert standing() | {"read_up_to": ""} == {
        "name": "noter",
        "kind": "reaction",
        "lanes": 1,
        "behind_events": 0,
        "behind_seconds": 0.0,
        "backing_off": 0,
        "wedged": 0,
        "paused": 0,
        "read_up_to": "",
    }


def test_run_reactions_throws_old_attempts_away_and_posts_alerts_that_nobody_took(registered, settings, model):
    say(make_chat(), "Long ago")
    call_command("run_reactions", "--once")
    long_ago = timezone.now() - timedelta(days=settings.ATTEMPT_DAYS + 1)
    Attempt.objects.update(started_at=long_ago, ended_at=long_ago)
    say(make_chat(), "One")
    registered.act = fail(ValueError("cannot"))
    call_command("run_reactions", "--once")
    settings.ALERT_URL = f"{model.url}/completions"

    call_command("run_reactions", "--once")

    assert not Attempt.objects.filter(ended_at=long_ago).exists()
    assert Attempt.objects.exists(), "those of a wedged lane stay"
    assert len(model.requests) == 1


def test_run_reactions_looks_for_old_attempts_once_an_hour_and_not_in_every_round(registered):
    say(make_chat(), "One")

    with CaptureQueriesContext(connection) as queries:
        call_command("run_reactions", "--once")

    sent = [query["sql"] for query in queries]
    assert sum('FROM "agent_subscriber"' in sql for sql in sent) > 1, "it looked more than once"
    assert sum(sql.startswith('DELETE FROM "agent_attempt"') for sql in sent) == 1


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (OperationalError("connection\n\trefused"), "The database does not answer: connection refused"),
        (InterfaceError("connection already closed"), "The database does not answer: connection already closed"),
        (OperationalError("no such table: agent_subscriber"), "The database has no tables for this yet."),
    ],
)
def test_run_reactions_once_says_that_the_database_is_away(transactional_db, trouble, told):
    def away(*_: object) -> None:
        raise trouble

    with connection.execute_wrapper(away), pytest.raises(CommandError) as refused:
        call_command("run_reactions", "--once")

    assert str(refused.value).startswith(told)
    assert refused.value.returncode == 1


def test_a_wedged_lane_is_seen_and_makes_the_check_fail(registered, client):
    chat = make_chat()
    say(chat, "One")
    registered.act = fail(ValueError("cannot"))

    call_command("run_reactions", "--once")

    assert standing()["wedged"] == 1
    assert standing()["behind_events"] == 1
    assert reading(client, chat) == {"state": "wedged", "behind": 1}
    told = line(client, chat)
    assert "Reading stands still since" in told
    assert "the notes must wait for an operator." in told
    assert "every 30s" in told
    with pytest.raises(SystemExit) as exit_:
        call_command("subscribers", "--check", stdout=StringIO())
    assert exit_.value.code == 1


def test_a_wedged_lane_of_a_paused_subscriber_is_counted_where_the_list_of_lanes_has_it(registered):
    say(make_chat(), "One")
    registered.act = fail(ValueError("cannot"))
    call_command("run_reactions", "--once")
    registered.act = lambda _: None
    say(make_chat(), "Two")
    call_command("run_reactions", "--once")
    Subscriber.objects.filter(name="noter").update(paused_at=timezone.now())

    counted = standing()

    for state in ("wedged", "paused"):
        listed = in_state(Bookmark.objects.filter(subscriber="noter"), state)
        assert counted[state] == listed.count(), state
    assert (counted["wedged"], counted["paused"]) == (1, 1)


def test_a_lane_that_backs_off_says_so_to_the_player(registered, client, settings):
    settings.RETRY_FIRST_SECONDS = settings.RETRY_LONGEST_SECONDS = 900.0
    chat = make_chat()
    say(chat, "One")
    registered.act = fail(ModelUnreachableError())

    call_command("run_reactions", "--once")
    Bookmark.objects.filter(due_at__isnull=False).update(due_at=timezone.now() + timedelta(minutes=1))

    assert standing()["backing_off"] == 1
    assert reading(client, chat) == {"state": "backing off", "behind": 1}
    told = line(client, chat)
    assert "cannot be reached. It goes on by itself." in told
    assert "Reading is paused since" in told


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("a secret of ours"), "Something went wrong on our side."),
        (TimeoutError(), "The model took too long to answer."),
        (ModelOutputError("Field required: moved.0.to"), "did not have the form it was asked for."),
    ],
)
def test_a_player_is_told_nothing_of_our_insides(registered, client, settings, error, told):
    settings.RETRY_FIRST_SECONDS = settings.RETRY_LONGEST_SECONDS = 900.0
    chat = make_chat()
    say(chat, "One")
    registered.act = fail(error)
    call_command("run_reactions", "--once")
    reading(client, chat)

    said = line(client, chat)

    assert told in said
    assert not {"secret", "Field", "Error", "noter"} & set(re.findall(r"\w+", said))


def test_a_table_for_people(registered):
    out = StringIO()

    call_command("subscribers", stdout=out)

    head, *rows = out.getvalue().splitlines()
    assert head.split() == ["name", "kind", "lanes", "behind", "seconds", "backing", "off", "wedged", "paused"]
    assert [row.split()[0] for row in rows] == [one.name for one in registry.subscribers()]


class Greedy(Noter):
    name = "greedy"
    batch_size = 5


class Blind(Noter):
    name = "blind"
    kinds = ()


class Confused(Noter):
    name = "confused"
    kinds = ("no_such_kind",)


class Idle(Counter):
    name = "idle"
    batch_size = 0


@pytest.mark.parametrize(
    ("subscriber", "found"), [(Greedy(), "E005"), (Blind(), "E002"), (Confused(), "E003"), (Idle(), "E006")]
)
def test_a_wrong_declaration_is_refused_at_the_start(subscriber, found):
    assert [error.id for error in checks.check([subscriber])] == [f"agent.{found}"]


def test_a_name_stands_for_one_subscriber():
    assert [error.id for error in checks.check([Noter(), Noter()])] == ["agent.E001"]


def test_ours_are_declared_rightly():
    assert checks.check(registry.subscribers()) == []
    assert all(isinstance(one, Reaction) for one in registry.reactions())
