"""Rewriting a reply, from the claim to the commit, on PostgreSQL: python -m tests.benchmarks.rewriting

Prints a table: milliseconds, those of them on our own processor (the medians of 30), and queries, for chats of 100 and
of 10,000 turns, and with 1 and 2,000 other chats. The model is not asked. The first reply of the chat is rewritten, the
oldest there is. On a busy machine only the second column compares.
"""

import argparse
import os
import statistics
import time
from typing import TYPE_CHECKING

from tests.benchmarks.writing import row
from tests.servers import PostgreSQL

if TYPE_CHECKING:
    from chat.story.models import Chat

TIMES = 30
OF_ONE_APPEND = 500


def main() -> None:
    """Start a PostgreSQL of our own and measure."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--turns", type=int, default=10_000, help="turns of the long chat")
    options.add_argument("--chats", type=int, default=2_000, help="other chats")
    given = options.parse_args()
    server = PostgreSQL()
    try:
        server.ask("CREATE DATABASE bench")
        os.environ["DATABASE_URL"] = server.url("bench")
        os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
        import django  # noqa: PLC0415  (after the environment is set)

        django.setup()
        _measure(given.turns, given.chats)
    finally:
        server.stop()


def _measure(turns: int, chats: int) -> None:
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    from tests.factories import make_chat, make_user  # noqa: PLC0415

    owner = make_user("bench")
    make_chat(owner)
    row("a chat of 100 turns, ms / own ms / queries", *_cost(make_chat(owner), 100))
    row(f"a chat of {turns:,} turns", *_cost(make_chat(owner), turns))
    for _ in range(chats):
        _told(make_chat(owner), 10)
    row(f"a chat of 100 turns beside {chats:,} others", *_cost(make_chat(owner), 100))


def _cost(chat: "Chat", turns: int) -> tuple[float, float, float]:
    from django.db import connection  # noqa: PLC0415
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    from tests.facts import regenerate  # noqa: PLC0415

    turn = _told(chat, turns)
    connection.cursor().execute("ANALYZE")
    turn = regenerate(chat, turn)
    with CaptureQueriesContext(connection) as queries:
        turn = regenerate(chat, turn)
    took, own = [], []
    for _ in range(TIMES):
        start, busy = time.perf_counter(), time.process_time()
        turn = regenerate(chat, turn)
        own.append((time.process_time() - busy) * 1000)
        took.append((time.perf_counter() - start) * 1000)
    return statistics.median(took), statistics.median(own), len(queries)


def _told(chat: "Chat", turns: int) -> int:
    """A chat of so many turns; its first reply, which has caused something."""
    from chat.story.fact_payloads import EventStarted, MemoryFormed  # noqa: PLC0415
    from chat.story.payloads import AssistantTurn  # noqa: PLC0415
    from tests.factories import cast_of, say  # noqa: PLC0415
    from tests.facts import moved, planned, record, reply  # noqa: PLC0415

    cast = cast_of(chat)
    turn = reply(chat, "Mara", "“I open it.”", group=say(chat, "Mara?"))
    moved(chat, EventStarted, planned(chat), turn)
    record(chat, MemoryFormed(witness=cast["Ilse"], text="She opened it.", importance=5, turn=turn))
    for _ in range(0, turns - 2, OF_ONE_APPEND):
        more = min(OF_ONE_APPEND, turns - 2)
        record(chat, *[AssistantTurn(speaker=cast["Mara"], text="More of it.") for _ in range(more)])
    return turn


if __name__ == "__main__":
    main()
