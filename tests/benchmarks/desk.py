"""How fast the operators' pages are on a large desk, on PostgreSQL: python -m tests.benchmarks.desk

Prints queries, milliseconds (the best of several; wall clock and this process's CPU) and bytes of each page. 10
subscribers, 100,000 lanes, 1,000,000 events, 100,000 decisions unless told otherwise.
"""

import argparse
import os
import sys
import time
from typing import Any

from tests.servers import PostgreSQL

SUBSCRIBERS = 10
TIMES = 7
#: Statements for the session and its user.
SIGNED_IN = 2


def main() -> None:
    """Start a PostgreSQL of our own and measure."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=1_000_000)
    options.add_argument("--chats", type=int, default=10_000)
    options.add_argument("--decisions", type=int, default=100_000)
    given = options.parse_args()
    server = PostgreSQL()
    try:
        server.ask("CREATE DATABASE bench")
        names = ",".join(["tests.agent.readers.Noter", "tests.agent.readers.Asker", "tests.agent.readers.Gated"])
        os.environ |= {
            "DATABASE_URL": server.url("bench"),
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "PALIMPSEST_SUBSCRIBERS": f"{names},tests.agent.readers.Counter",
        }
        import django  # noqa: PLC0415  (after the environment is set)

        django.setup()
        _measure(given.events, given.chats, given.decisions)
    finally:
        server.stop()


def _measure(events: int, chats: int, decisions: int) -> None:
    from django.contrib.auth.models import User  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    user = User.objects.create_user("anna", is_staff=True, is_superuser=True)
    _fill(events, chats)
    _decide(decisions)
    sys.stdout.write(f"{'page':<44}{'queries':>8}{'ms':>8}{'cpu ms':>8}{'bytes':>9}\n")
    for name, address in _pages().items():
        sys.stdout.write(f"{name:<44}{_row(user, address)}\n")
        sys.stdout.flush()


def _pages() -> dict[str, str]:
    from agent.models import Bookmark  # noqa: PLC0415

    lane = Bookmark.objects.filter(subscriber="noter", wedged_at__isnull=False).latest("pk")
    return {
        "subscribers": "/admin/agent/subscriber/",
        "index": "/admin/",
        "wedged lanes": "/admin/agent/bookmark/?state=wedged",
        "all lanes": "/admin/agent/bookmark/",
        "one lane": f"/admin/agent/bookmark/{lane.pk}/change/",
        "dismiss": f"/admin/agent/bookmark/of/noter/{lane.stream.name}/dismiss/",
        "failures": "/admin/agent/attempt/failures/",
        "audit": "/admin/agent/auditentry/",
        "audit, a search that finds one of all": "/admin/agent/auditentry/?q=number+77777+of",
        "audit, a search that finds nothing": "/admin/agent/auditentry/?q=nothing+like+it",
    }


def _row(user: Any, address: str) -> str:
    from django.db import connection  # noqa: PLC0415
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    with CaptureQueriesContext(connection) as queries:
        size = _ask(user, address)
    walls, cpus = [], []
    for _ in range(TIMES):
        wall, cpu = time.perf_counter(), time.process_time()
        _ask(user, address)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return f"{len(queries) + SIGNED_IN:8d}{min(walls) * 1000:8.0f}{min(cpus) * 1000:8.0f}{size:9d}"


def _ask(user: Any, address: str) -> int:
    """Its view alone, in this thread: the test client's threads have connections of their own, which nobody counts."""
    from django.contrib.messages.storage.cookie import CookieStorage  # noqa: PLC0415
    from django.test import RequestFactory  # noqa: PLC0415
    from django.urls import resolve  # noqa: PLC0415

    request = RequestFactory().get(address)
    request.user = user
    request._messages = CookieStorage(request)
    match = request.resolver_match = resolve(request.path)
    answer = match.func(request, *match.args, **match.kwargs)
    if hasattr(answer, "render"):
        answer.render()
    assert answer.status_code == 200, (address, answer.status_code)
    return len(answer.content)


def _fill(events: int, chats: int) -> None:
    from django.db import connection  # noqa: PLC0415

    from agent import registry  # noqa: PLC0415
    from agent.models import Subscriber  # noqa: PLC0415
    from agent.subscriptions.base import Reaction  # noqa: PLC0415

    known = registry.subscribers()[:SUBSCRIBERS]
    Subscriber.objects.bulk_create(
        Subscriber(name=one.name, kind="reaction" if isinstance(one, Reaction) else "projection") for one in known
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO chat_stream (name, version, head)"
            " SELECT 'chat-' || n, 0, 0 FROM generate_series(1, %s::int) n",
            [chats],
        )
        cursor.execute(
            "INSERT INTO chat_event (stream_id, version, kind, payload, recorded_at, actor, correlation)"
            " SELECT 1 + v %% %s, 1 + v / %s, CASE v %% 2 WHEN 0 THEN 'user_turn' ELSE 'assistant_turn' END,"
            " jsonb_build_object('text', 'Turn ' || v), now() - (%s - v) * interval '1 second', 'bench', ''"
            " FROM generate_series(0, %s::int) v",
            [chats, chats, events, events - 1],
        )
        cursor.execute(
            "UPDATE chat_stream SET version = e.n, head = e.head FROM"
            " (SELECT stream_id, count(*) n, max(position) head FROM chat_event GROUP BY 1) e WHERE id = e.stream_id"
        )
        # One lane in a hundred is a few events behind, one in a thousand is wedged there.
        cursor.execute(
            "INSERT INTO agent_bookmark (subscriber_id, epoch, stream_id, position, due_at, fence, forgiven,"
            " wedged_at, wedged_reason, fingerprint, paused_by, paused_reason)"
            " SELECT a.name, 0, s.id, CASE WHEN s.id %% 100 = 1 THEN s.head - 3 * %s ELSE s.head END,"
            " CASE WHEN s.id %% 100 = 1 THEN now() END, 3, 0,"
            " CASE WHEN s.id %% 1000 = 1 THEN now() END, 'no valid output in 3 tries',"
            " CASE WHEN s.id %% 1000 = 1 THEN 'f' || s.id %% 7 ELSE '' END, '', ''"
            " FROM agent_subscriber a, chat_stream s",
            [chats],
        )
        cursor.execute(
            "INSERT INTO agent_attempt (bookmark_id, event, fence, outcome, started_at, ended_at, worker, code_version,"
            " endpoint, failure, error, message, traceback, fingerprint, note)"
            " SELECT b.id, b.position + %s, n, 'failed', now() - random() * interval '20 hours', now(), 'w', '1', '',"
            " 'output', 'ModelOutputError', 'No JSON', 'Traceback', b.fingerprint, ''"
            " FROM agent_bookmark b, generate_series(1, 3) n WHERE b.due_at IS NOT NULL",
            [chats],
        )
        cursor.execute("VACUUM ANALYZE")


def _decide(number: int) -> None:
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO chat_stream (name, version, head) VALUES ('operations', 0, 0) RETURNING id")
        stream = cursor.fetchone()[0]
        cursor.execute(
            "INSERT INTO chat_event (stream_id, version, kind, payload, recorded_at, actor, correlation)"
            " SELECT %s, n, 'decision_registered', jsonb_build_object('context', 'LaneRetry', 'choice', 'LaneRetried',"
            " 'reasoning', 'Reason number ' || n || ' of many', 'body', jsonb_build_object('act', 'retry_lane',"
            " 'channel', 'admin', 'principal', jsonb_build_object('id', 1, 'name', 'anna'), 'client', '',"
            " 'target', jsonb_build_object('subscriber', 'chronicler', 'stream', 'chat-' || n), 'preset', '',"
            " 'inputs', '{}'::jsonb, 'before', '{}'::jsonb, 'after', '{}'::jsonb, 'code_version', '1')),"
            " now(), 'operator:1', '' FROM generate_series(1, %s::int) n",
            [stream, number],
        )
        cursor.execute(
            "INSERT INTO agent_auditentry (decision_id, at, act, channel, principal_id, principal_name, client,"
            " subscriber, stream, target, preset, reason) SELECT position, recorded_at, 'retry_lane', 'admin', 1,"
            " 'anna', '', 'chronicler', 'chat-' || version, 'chronicler/chat-' || version, '',"
            " 'Reason number ' || version || ' of many' FROM chat_event WHERE stream_id = %s",
            [stream],
        )
        cursor.execute("VACUUM ANALYZE")


if __name__ == "__main__":
    main()
