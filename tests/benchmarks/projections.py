"""How fast the Projections read the log, on PostgreSQL: python -m tests.benchmarks.projections

Prints a table of events a second of a rebuild, by Projection and batch size.
"""

import argparse
import os
import sys
import time

from tests.servers import PostgreSQL

TEXT = "The lamp went out at nine, and nobody in the lighthouse would say who had trimmed the wick that evening. " * 2


def main() -> None:
    """Start a PostgreSQL of our own and measure."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=40_000)
    options.add_argument("--chats", type=int, default=200)
    given = options.parse_args()
    server = PostgreSQL()
    try:
        server.ask("CREATE DATABASE bench")
        os.environ |= {"DATABASE_URL": server.url("bench"), "DJANGO_SETTINGS_MODULE": "project.settings"}
        import django  # noqa: PLC0415  (after the environment is set)

        django.setup()
        _measure(given.events, given.chats)
    finally:
        server.stop()


def _measure(events: int, chats: int) -> None:
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    from agent import registry  # noqa: PLC0415
    from agent.subscriptions import rebuilding  # noqa: PLC0415

    _fill(events, chats)
    for projection in registry.projections():
        for size in (500, 100):
            start, began = time.perf_counter(), time.process_time()
            applied = rebuilding.rebuild(projection, batch_size=size)
            rate = applied / (time.perf_counter() - start)
            # On a machine that is busy with other things this is what can be compared.
            ours = (time.process_time() - began) * 1_000_000 / applied
            what = f"rebuild of {projection.name}, batches of {size}, events/s, our CPU µs an event"
            sys.stdout.write(f"{what:<75}{rate:10,.0f}{ours:8.0f}\n")
            sys.stdout.flush()


def _fill(events: int, chats: int) -> None:
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO chat_stream (name, version, head)"
            " SELECT 'chat-' || n, 0, 0 FROM generate_series(1, %s::int) n",
            [chats],
        )
        cursor.execute(
            "INSERT INTO chat_event (stream_id, version, kind, payload, recorded_at, actor, correlation)"
            " SELECT 1 + v %% %s, 1 + v / %s, CASE v %% 2 WHEN 0 THEN 'user_turn' ELSE 'assistant_turn' END,"
            " jsonb_build_object('text', %s || v, 'prompt_tokens', 900, 'completion_tokens', 80,"
            " 'first_token_ms', 300, 'duration_ms', 2000), now() - v * interval '1 minute', 'bench', ''"
            " FROM generate_series(0, %s::int) v",
            [chats, chats, TEXT, events - 1],
        )
        cursor.execute(
            "UPDATE chat_stream SET version = %s, head = (SELECT max(position) FROM chat_event"
            " WHERE stream_id = chat_stream.id)",
            [events // chats],
        )
        cursor.execute("VACUUM ANALYZE")


if __name__ == "__main__":
    main()
