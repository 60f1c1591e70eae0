"""The real workers: what is lost when one is killed, when hints go astray, when the broker is away. (Nothing.)"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command

from agent import tasks
from agent.models import Attempt, Bookmark, DayOfChat
from agent.projections.turn_search import search
from chat.log.models import Event
from tests.agent.readers import notes
from tests.agent.workers import LEASE_SECONDS, Workers
from tests.factories import make_chat, make_user, say
from tests.model_behaviours import stall
from tests.model_server import ScriptedModelServer
from tests.servers import Valkey, eventually

pytestmark = pytest.mark.django_db(transaction=True)
State = Attempt.Outcome
#: Beyond what is promised: this machine may be busy.
SLACK = 15.0


@pytest.fixture
def workers(
    transactional_db: None, tmp_path: Path, own_valkey: Valkey, model: ScriptedModelServer, settings
) -> Iterator[Workers]:
    settings.REDIS_URL = own_valkey.url
    tellings = {"PALIMPSEST_READER_URL": model.url, "PALIMPSEST_READER_MODEL": "scripted"}
    made = Workers(tmp_path, own_valkey, **tellings)
    call_command("run_reactions", "--once")  # so that the Projections are registered
    yield made
    made.kill()


def read(workers: Workers, chat, turns: list[int], *, patience: float = 60.0) -> None:
    """Wait until exactly these turns have their note."""
    try:
        eventually(lambda: notes(chat.id, "gated")[: len(turns)] == turns, what="the notes", patience=patience)
    except TimeoutError as error:
        rows = list(Attempt.objects.values_list("event", "outcome", "note", "message"))
        raise TimeoutError(f"{notes(chat.id, 'gated')} of {turns}; {rows}\n{workers.log}") from error
    assert notes(chat.id, "gated") == turns


def seeded(workers: Workers) -> None:
    from agent.models import Subscriber  # noqa: PLC0415

    def ready() -> bool:
        return Subscriber.objects.filter(name="gated").exclude(seeded_at=None).exists()

    eventually(ready, what=f"the worker: {workers.log}", patience=60)


def outcomes(event: int) -> list[str]:
    return list(Attempt.objects.filter(event=event).order_by("id").values_list("outcome", flat=True))


def test_each_kind_of_subscriber_works_through_the_real_workers(workers):
    workers.start("reactions")
    workers.start("projections")
    seeded(workers)
    chat = make_chat()
    turns = [say(chat, "hello there"), say(chat, "good evening")]

    read(workers, chat, turns)
    eventually(lambda: len(search(chat.owner_id, "evening")) == 1, what=f"the search: {workers.log}")
    eventually(lambda: DayOfChat.objects.filter(chat=chat.id, said=2).exists(), what="the activity")

    poison, after = say(chat, "poison"), say(chat, "after")
    eventually(lambda: Bookmark.objects.filter(wedged_at__isnull=False).exists(), what=f"the wedge: {workers.log}")
    assert outcomes(poison) == [State.FAILED] * 2
    Bookmark.objects.filter(wedged_at__isnull=False).update(position=poison, wedged_at=None)
    read(workers, chat, [*turns, after])


@pytest.mark.parametrize("point", ["react", "ask", "commit", "after"])
def test_a_worker_that_is_killed_leaves_exactly_one_effect(workers, model, point):
    workers.start("reactions")
    seeded(workers)
    chat = make_chat()
    model.script(stall(after=1))
    word = "hello" if point == "after" else point
    turn = say(chat, f"{word} there")
    if point == "ask":
        model.wait_for_request(1, timeout=60)
    elif point == "after":
        read(workers, chat, [turn])
    else:
        eventually(lambda: workers.reached(f"{point}-{turn}"), what=f"the {point}: {workers.log}", patience=60)

    workers.kill()
    killed_at = time.monotonic()
    workers.open(f"{point}-{turn}")
    workers.start("reactions")
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


def test_without_a_broker_run_reactions_works_and_the_workers_come_back_to_it(workers, own_valkey):
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
    time.sleep(1)  # an outage has to last a while
    own_valkey.start()

    read(workers, chat, [first, second], patience=15 + SLACK)


def test_sigterm_gives_running_work_its_grace_and_then_its_lane_back(workers, model):
    # A lease that outlives this test: however busy the machine, nobody takes the lane meanwhile.
    workers.environment |= {"PALIMPSEST_GRACE_SECONDS": "0.5", "PALIMPSEST_LEASE_SECONDS": "60"}
    workers.start("reactions")
    seeded(workers)
    chat = make_chat()
    model.script(stall(after=1))
    turn = say(chat, "ask there")
    model.wait_for_request(1, timeout=60)

    told_at = time.monotonic()
    workers.stop()

    assert time.monotonic() - told_at < 4 + SLACK / 3
    assert outcomes(turn) == [State.RELEASED]
    assert Bookmark.objects.get(subscriber="gated", stream__name=chat.stream).leased_until is None
    workers.start("reactions")
    read(workers, chat, [turn])
