"""The real workers: what is lost when one is killed, when hints go astray, when the broker is away. (Nothing.)"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from agent import tasks
from agent.models import Attempt, Bookmark, DayOfChat, Subscriber, SuspendedEndpoint
from agent.projections.turn_search import search
from agent.subscriptions import history
from chat.log.models import Event
from tests.agent.readers import notes
from tests.agent.workers import LEASE_SECONDS, NAME, Workers
from tests.factories import make_chat, make_user, say
from tests.model_behaviours import refused, stall
from tests.model_behaviours import say as says
from tests.model_server import ScriptedModelServer
from tests.servers import Valkey, eventually

pytestmark = pytest.mark.django_db(transaction=True)
State = Attempt.Outcome
#: Beyond what is promised: this machine may be busy.
SLACK = 15.0
PATIENCE = 120.0


@pytest.fixture
def workers(
    transactional_db: None, tmp_path: Path, own_valkey: Valkey, model: ScriptedModelServer, settings
) -> Iterator[Workers]:
    settings.REDIS_URL = own_valkey.url
    tellings = {"PALIMPSEST_READER_URL": model.url, "PALIMPSEST_READER_MODEL": "scripted"}
    made = Workers(tmp_path, own_valkey, **tellings)
    call_command("run_reactions", "--once")  # so that all but `gated` are registered
    # Ours would ask the same model and take the answers that a test has scripted.
    Subscriber.objects.filter(kind="reaction").update(paused_at=timezone.now())
    yield made
    made.kill()


def read(workers: Workers, chat, turns: list[int]) -> None:
    """Wait until exactly these turns have their note."""
    until(workers, lambda: notes(chat.id, "gated")[: len(turns)] == turns, f"the notes on {turns}")
    assert notes(chat.id, "gated") == turns


def until(workers: Workers, ready: Callable[[], object], what: str) -> None:
    """Wait; what the workers said is told when it does not come."""
    try:
        eventually(ready, what=what, patience=PATIENCE)
    except TimeoutError as error:
        raise TimeoutError(f"{error}\n{workers.log}") from error


def seeded(workers: Workers) -> None:
    until(workers, Subscriber.objects.filter(name="gated").exclude(seeded_at=None).exists, "the worker")


def connections(what: str) -> int:
    """For how many of the workers' connections to this database something has a value."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count({what}) FROM pg_stat_activity"  # noqa: S608
            " WHERE datname = current_database() AND application_name = %s",
            [NAME],
        )
        return int(cursor.fetchone()[0])


def outcomes(event: int) -> list[str]:
    return list(Attempt.objects.filter(event=event).order_by("id").values_list("outcome", flat=True))


def test_each_kind_of_subscriber_works_through_the_real_workers(workers):
    workers.start("reactions")
    workers.start("projections")
    seeded(workers)
    chat = make_chat()
    turns = [say(chat, "hello there"), say(chat, "good evening")]

    read(workers, chat, turns)
    until(workers, lambda: len(search(chat.owner_id, "evening")) == 1, "the search")
    until(workers, DayOfChat.objects.filter(chat=chat.id, said=2).exists, "the activity")

    poison, after = say(chat, "poison"), say(chat, "after")
    until(workers, Bookmark.objects.filter(wedged_at__isnull=False).exists, "the wedge")
    assert outcomes(poison) == [State.FAILED] * 2
    Bookmark.objects.filter(wedged_at__isnull=False).update(position=poison, wedged_at=None)
    read(workers, chat, [*turns, after])


@pytest.mark.parametrize("point", ["react", "ask", "commit", "after"])
def test_a_worker_that_is_killed_leaves_exactly_one_effect(workers, model, point):
    pair = [workers.start("reactions"), workers.start("reactions")]
    until(workers, lambda: workers.log.count(" ready.") == len(pair), "both workers")
    seeded(workers)
    chat = make_chat()
    model.script(stall(after=1))
    word = "hello" if point == "after" else point
    turn = say(chat, f"{word} there")
    if point == "ask":
        model.wait_for_request(1, timeout=PATIENCE)
    elif point == "after":
        read(workers, chat, [turn])
    else:
        until(workers, lambda: workers.reached(f"{point}-{turn}"), f"the {point}")

    name = Attempt.objects.get(event=turn).worker
    workers.kill(*(one for one in pair if name.endswith(f":{one.pid}")))
    killed_at = time.monotonic()
    workers.open(f"{point}-{turn}")
    after = say(chat, "hello again")

    read(workers, chat, [turn, after])
    assert time.monotonic() - killed_at < LEASE_SECONDS + 5 + SLACK
    assert outcomes(turn) == ([State.DONE] if point == "after" else [State.LOST, State.DONE])
    assert Event.objects.filter(causation=turn, actor="reaction:gated").count() == 1


def test_hints_doubled_late_out_of_order_or_lost_change_nothing(workers, settings):
    workers.start("reactions")
    seeded(workers)
    owner = make_user()
    chats = [make_chat(owner), make_chat(owner)]
    turns = {chat.id: [say(chat, f"hello {number}") for number in range(5)] for chat in chats}

    with tasks.run_lane.app.connection_for_write(settings.REDIS_URL.replace("unix://", "redis+socket://")) as broker:
        for stream in ["chat-999999", *[chat.stream for chat in reversed(chats)] * 5]:
            tasks.run_lane.apply_async(("gated", stream), queue="reactions", connection=broker)

    for chat in chats:
        read(workers, chat, turns[chat.id])
    assert Attempt.objects.count() == 10
    assert set(Attempt.objects.values_list("outcome", flat=True)) == {State.DONE}


def test_without_a_broker_run_reactions_works_and_the_workers_come_back_to_it(workers, own_valkey, settings):
    workers.start("reactions")
    seeded(workers)
    own_valkey.stop()
    chat = make_chat()
    first = say(chat, "hello")

    alone = workers.command("run_reactions")
    read(workers, chat, [first])
    alone.terminate()
    alone.wait(20)
    second = say(chat, "hello again")
    time.sleep(settings.OUTAGE_SECONDS)
    own_valkey.start()
    back_at = time.monotonic()

    read(workers, chat, [first, second])
    assert time.monotonic() - back_at < 15 + SLACK


def test_run_reactions_goes_on_after_its_connections_were_cut(workers):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no connections to cut")
    workers.environment["PALIMPSEST_SWEEP_SECONDS"] = "4"
    workers.command("run_reactions")
    seeded(workers)
    chat = make_chat()
    first = say(chat, "hello")
    read(workers, chat, [first])

    until(
        workers,
        lambda: connections("CASE WHEN state_change > now() - interval '1 s' THEN 1 END") == 0,
        "its rest between two looks",
    )
    assert connections("pg_terminate_backend(pid)") > 0
    second = say(chat, "hello again")

    read(workers, chat, [first, second])


def test_a_key_refused_in_the_middle_of_play_wedges_nothing_and_all_is_read_afterwards(workers, model, settings):
    workers.start("reactions")
    seeded(workers)
    chats = [make_chat(), make_chat()]
    turns = {chat.id: [say(chat, "ask one")] for chat in chats}
    for chat in chats:
        read(workers, chat, turns[chat.id])

    model.default = refused(401)
    for chat in chats:
        turns[chat.id] += [say(chat, "ask two"), say(chat, "ask three")]
    until(workers, SuspendedEndpoint.objects.exists, "the suspension")
    time.sleep(settings.OUTAGE_SECONDS)
    assert not Bookmark.objects.filter(wedged_at__isnull=False).exists()
    model.default = says("Good.")

    for chat in chats:
        read(workers, chat, turns[chat.id])
    assert not Attempt.objects.filter(outcome__in=history.CHARGED).exists()


def test_sigterm_gives_running_work_its_grace_and_then_its_lane_back(workers, model):
    workers.environment["PALIMPSEST_GRACE_SECONDS"] = "0.5"
    workers.start("reactions")
    seeded(workers)
    chat = make_chat()
    model.script(stall(after=1))
    turn = say(chat, "ask there")
    model.wait_for_request(1, timeout=PATIENCE)

    told_at = time.monotonic()
    workers.stop()

    assert time.monotonic() - told_at < 4 + SLACK / 3
    assert outcomes(turn) == [State.RELEASED]
    assert Bookmark.objects.get(subscriber="gated", stream__name=chat.stream).leased_until is None
    workers.start("reactions")
    read(workers, chat, [turn])
