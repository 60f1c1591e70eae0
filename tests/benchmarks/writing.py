"""Posting, appending and opening on PostgreSQL: python -m tests.benchmarks.writing

Prints a table of: time to post a turn (to commit) with 10 and with many turns in the database; appends a second,
with their folds, of four writers on four chats; and what it takes to open a chat of 10,000 turns.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from tests.servers import PostgreSQL

WRITERS = 4


def main() -> None:
    """Start a PostgreSQL of our own and measure."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--turns", type=int, default=100_000, help="turns in the large database")
    options.add_argument("--seconds", type=float, default=8, help="how long the writers write")
    options.add_argument("--writer", type=int, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.writer:
        _set_up()
        _write_for(given.writer, given.seconds)
        return
    server = PostgreSQL()
    try:
        server.ask("CREATE DATABASE bench")
        os.environ["DATABASE_URL"] = server.url("bench")
        _set_up()
        _measure(given.turns, given.seconds)
    finally:
        server.stop()


def _set_up() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
    os.environ["PALIMPSEST_TURNS_PER_MINUTE"] = "0"
    import django  # noqa: PLC0415  (after the environment is set)

    django.setup()


def _measure(turns: int, seconds: float) -> None:
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    from tests.factories import make_chat, make_user, say  # noqa: PLC0415

    owner = make_user("bench")
    chat = make_chat(owner)
    for number in range(10):
        say(chat, f"Turn {number}.")

    def post() -> None:
        say(chat, "A turn of words.", user=owner)

    row("posting a turn, 10 turns in the database, p50 / p99 ms", *_percentiles(post))
    long = _fill(owner, turns)
    row(f"the same, {turns:,} turns in the database", *_percentiles(post))
    row("appends a second, with their folds, 4 writers on 4 chats", _appends_a_second(owner, seconds))
    milliseconds, queries = _open(owner, long)
    row("opening a chat of 10,000 turns, p50 ms / queries", milliseconds, queries)


def row(name: str, *numbers: float) -> None:
    """One line of the table."""
    sys.stdout.write(f"{name:<66}{' / '.join(f'{number:8.1f}' for number in numbers)}\n")
    sys.stdout.flush()


def _percentiles(act: Callable[[], object], times: int = 400) -> tuple[float, float]:
    for _ in range(20):
        act()
    took = []
    for _ in range(times):
        start = time.perf_counter()
        act()
        took.append((time.perf_counter() - start) * 1000)
    return statistics.median(took), sorted(took)[int(times * 0.99)]


def _fill(owner: object, turns: int) -> int:
    """Chats of 10,000 turns each, copied in by SQL from one that was written; the id of the one that was written."""
    from django.db import connection  # noqa: PLC0415

    from chat.story.payloads import UserTurn  # noqa: PLC0415
    from chat.story.writer import write  # noqa: PLC0415
    from chat.turns.chats import source  # noqa: PLC0415
    from tests.factories import make_chat  # noqa: PLC0415

    first = make_chat(owner)
    for _ in range(20):
        write(first.id, [UserTurn(text="Some words of a turn. " * 8) for _ in range(500)], source(owner))
    copies = [make_chat(owner) for _ in range(max(0, turns // 10_000 - 1))]
    with connection.cursor() as cursor:
        for number, chat in enumerate(copies, start=1):
            cursor.execute(
                'INSERT INTO chat_turn (id, chat_id, kind, speaker, speaker_name, text, state, "group", place, scene,'
                " witnesses, said_at, regenerated_from, superseded_by, took_along, generation)"
                ' SELECT id + %s, %s, kind, speaker, speaker_name, text, state, "group" + %s, place + %s, scene,'
                " witnesses, said_at, NULL, NULL, took_along, '' FROM chat_turn WHERE chat_id = %s",
                [number * 10_000_000, chat.id, number * 10_000_000, number * 10_000_000, first.id],
            )
        cursor.execute("ANALYZE")
    return first.id


def _appends_a_second(owner: object, seconds: float) -> float:
    from tests.factories import make_chat  # noqa: PLC0415

    command = [sys.executable, "-m", "tests.benchmarks.writing", "--seconds", str(seconds), "--writer"]
    writers = [
        subprocess.Popen([*command, str(make_chat(owner).id)], stdout=subprocess.PIPE, text=True)
        for _ in range(WRITERS)
    ]
    return sum(float(writer.communicate()[0]) for writer in writers)


def _write_for(chat_id: int, seconds: float) -> None:
    """One writer: print its appends a second; the clock starts when all are likely up."""
    from chat.story.models import Chat  # noqa: PLC0415
    from tests.factories import owner_of, say  # noqa: PLC0415

    chat = Chat.objects.get(id=chat_id)
    owner = owner_of(chat)
    for _ in range(50):
        say(chat, "A turn of words.", user=owner)
    time.sleep(1)
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        say(chat, "A turn of words.", user=owner)
        count += 1
    sys.stdout.write(str(count / (time.perf_counter() - start)))


def _open(owner: object, chat_id: int) -> tuple[float, float]:
    from django.db import connection  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    client = Client(headers={"host": "localhost"})
    client.force_login(owner)
    client.get(f"/chats/{chat_id}/")
    took = []
    for _ in range(20):
        start = time.perf_counter()
        assert client.get(f"/chats/{chat_id}/").status_code == 200
        took.append((time.perf_counter() - start) * 1000)
    with CaptureQueriesContext(connection) as queries:
        client.get(f"/chats/{chat_id}/")
    return statistics.median(took), len(queries)


if __name__ == "__main__":
    main()
