"""What the runtime of the Reactions costs, on PostgreSQL: python -m tests.benchmarks.reactions

Prints a table of: the overhead of one Reaction (everything but the model); steps a second over many lanes with a
model that answers at once, in one worker and in two; its p99 with one wedged lane among 1,000; and a sweep over
100,000 chats.
"""

import argparse
import os
import statistics
import subprocess
import sys
import threading
import time
from typing import Any, ClassVar

from tests.servers import PostgreSQL

THREADS = 4


def main() -> None:
    """Start a PostgreSQL of our own and measure."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--chats", type=int, default=100_000, help="chats that are swept over")
    options.add_argument("--lanes", type=int, default=1000, help="lanes that are worked")
    options.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.worker:
        _set_up()
        _work(given.worker)
        return
    server = PostgreSQL()
    try:
        server.ask("CREATE DATABASE bench")
        os.environ |= {"DATABASE_URL": server.url("bench"), "DJANGO_SETTINGS_MODULE": "project.settings"}
        os.environ |= {"PALIMPSEST_TURNS_PER_MINUTE": "0", "PALIMPSEST_LOG_LEVEL": "CRITICAL"}
        _set_up()
        _measure(given.chats, given.lanes)
    finally:
        server.stop()


def _set_up() -> None:
    import django  # noqa: PLC0415  (after the environment is set)

    django.setup()


def row(name: str, *numbers: float) -> None:
    """One line of the table."""
    sys.stdout.write(f"{name:<72}{' / '.join(f'{number:8.1f}' for number in numbers)}\n")
    sys.stdout.flush()


def _measure(chats: int, lanes: int) -> None:
    from django.conf import settings  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    from agent.subscriptions import seeding  # noqa: PLC0415
    from agent.subscriptions.reactor import Reactor  # noqa: PLC0415

    reaction, reactor = _instant(), Reactor()
    seeding.register([reaction])
    streams = _chats(lanes, events=6)
    seeding.notice([reaction])
    began = time.process_time()
    took = _steps(reactor, reaction, 400)
    row("overhead of one Reaction, p50 / p99 ms", statistics.median(took), _p99(took))
    # On a machine that is busy with other things this is what can be compared.
    row("of which this process's CPU, mean ms", (time.process_time() - began) * 1000 / len(took))
    settings.REACTION_CONCURRENCY = THREADS
    row(f"steps a second over all lanes, {THREADS} threads of one worker", _steps_a_second(reactor, reaction, THREADS))
    settings.REACTION_CONCURRENCY = 1
    row(f"the same, two workers with {THREADS // 2} threads each", _steps_of_two())
    before = _steps(reactor, reaction, 1000)
    _wedge(reaction, streams[0])
    after = _steps(reactor, reaction, 1000)
    row(f"p99 ms without / with one wedged lane among {lanes:,}", _p99(before), _p99(after))
    reactor.work_off(reaction)
    _chats(chats, events=0)
    row(f"sweep over {chats:,} chats, first (makes their bookmarks) / again, s", *(_sweep(reaction) for _ in range(2)))
    reactor.close()


def _instant() -> Any:
    from agent.subscriptions.base import Done, Outcome, Reaction  # noqa: PLC0415
    from chat.log.models import Event  # noqa: PLC0415
    from chat.story.payloads import ChatRenamed  # noqa: PLC0415

    class Instant(Reaction):
        """Answers at once."""

        name: ClassVar[str] = "instant"
        kinds: ClassVar[tuple[str, ...]] = ("user_turn",)

        async def react(self, event: Event) -> Outcome:
            return Done([ChatRenamed(title=f"{event.position}")])

    return Instant()


def _chats(number: int, *, events: int) -> list[str]:
    """Chats with some turns each, copied in by SQL; their streams."""
    from django.db import connection  # noqa: PLC0415

    from tests.factories import make_chat, make_user  # noqa: PLC0415

    owner = make_user()
    first = make_chat(owner)
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM chat_stream")
        begin = cursor.fetchone()[0] + 1
        cursor.execute(
            "INSERT INTO chat_stream (id, name, version, head)"
            " SELECT n, 'chat-' || n, 0, 0 FROM generate_series(%s::int, %s::int) n",
            [begin, begin + number - 1],
        )
        cursor.execute(
            # The first chat's row again and again, whatever columns it has.
            "INSERT INTO chat_chat SELECT (jsonb_populate_record(c, jsonb_build_object('id', n))).*"
            " FROM generate_series(%s::int, %s::int) n, chat_chat c WHERE c.id = %s",
            [begin, begin + number - 1, first.id],
        )
        cursor.execute(
            "INSERT INTO chat_event (stream_id, version, kind, payload, recorded_at, actor, correlation)"
            " SELECT s, v, 'user_turn', '{\"text\": \"Some words.\"}', now(), 'bench', ''"
            " FROM generate_series(%s::int, %s::int) s, generate_series(1, %s::int) v",
            [begin, begin + number - 1, events or 1],
        )
        cursor.execute(
            "UPDATE chat_stream SET version = %s, head = (SELECT max(position) FROM chat_event"
            " WHERE stream_id = chat_stream.id) WHERE id >= %s",
            [events or 1, begin],
        )
        cursor.execute("SELECT setval(pg_get_serial_sequence('chat_stream', 'id'), %s)", [begin + number])
        cursor.execute("VACUUM ANALYZE")
    return [f"chat-{begin + at}" for at in range(number)]


def _steps(reactor: Any, reaction: Any, number: int) -> list[float]:
    took = []
    for _ in range(number):
        start = time.perf_counter()
        assert reactor.step(reaction)
        took.append((time.perf_counter() - start) * 1000)
    return took


def _steps_a_second(reactor: Any, reaction: Any, threads: int, number: int = 300) -> float:
    """Of so many threads that take so many steps each."""
    from django.db import connection  # noqa: PLC0415

    def work() -> None:
        _steps(reactor, reaction, number)
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(threads)]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return threads * number / (time.perf_counter() - start)


def _steps_of_two() -> float:
    """Steps a second of two processes that work the same lanes; they begin when both are up."""
    command = [sys.executable, "-m", "tests.benchmarks.reactions", "--worker", str(THREADS // 2)]
    environment = {**os.environ, "PALIMPSEST_REACTION_CONCURRENCY": str(THREADS)}
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(2)
    ]
    for worker in workers:
        assert worker.stdout
        worker.stdout.readline()
    return sum(float(worker.communicate("go\n")[0]) for worker in workers)


def _work(threads: int) -> None:
    """One of two workers: say that it is up, wait for the word, print the steps a second."""
    from agent.subscriptions.reactor import Reactor  # noqa: PLC0415

    reaction, reactor = _instant(), Reactor()
    _steps(reactor, reaction, 20)
    sys.stdout.write("up\n")
    sys.stdout.flush()
    sys.stdin.readline()
    sys.stdout.write(str(_steps_a_second(reactor, reaction, threads)))
    reactor.close()


def _wedge(reaction: Any, stream: str) -> None:
    from django.utils import timezone  # noqa: PLC0415

    from agent.models import Bookmark  # noqa: PLC0415

    Bookmark.objects.filter(subscriber=reaction.name, stream__name=stream).update(wedged_at=timezone.now())


def _sweep(reaction: Any) -> float:
    from agent.subscriptions import due, lanes, seeding  # noqa: PLC0415

    start = time.perf_counter()
    seeding.notice([reaction])
    due.streams(reaction, lanes.free_slots(reaction))
    return time.perf_counter() - start


def _p99(took: list[float]) -> float:
    return sorted(took)[int(len(took) * 0.99)]


if __name__ == "__main__":
    main()
