"""How async code reaches the database: one bounded pool of threads, each with a connection of its own.

`asgiref`'s thread-sensitive executor gives each request a thread, and tasks spawned from a request a
connection each; under load that is hundreds of connections. Everything async goes through here instead.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, connections

#: What is raised when the database is away or busy; everything else of `django.db.Error` is a mistake of ours.
AWAY = (OperationalError, InterfaceError)

_pool = ThreadPoolExecutor(max_workers=settings.DATABASE_THREADS, thread_name_prefix="database")


async def in_thread[**P, T](function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking database code in the pool; a dead or old connection is replaced before and after."""

    def call() -> T:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        finally:
            _keep_files_open()
            close_old_connections()

    return await asyncio.get_running_loop().run_in_executor(_pool, call)


def wait() -> None:
    """Return when what is running in the pool has ended."""
    _in_every_thread(lambda: None)


def close_all() -> None:
    """Close every connection of this thread, of the pool's threads and of PostgreSQL's pool.

    For what is about to drop a database; nothing else may be running.
    """
    _in_every_thread(connections.close_all)
    for connection in connections.all(initialized_only=True):
        connection.close()
        if (close_pool := getattr(connection, "close_pool", None)) is not None:
            close_pool()


def _keep_files_open() -> None:
    # Opening SQLite's file anew for each call takes three times as long as the call; PostgreSQL has its own pool.
    for connection in connections.all(initialized_only=True):
        if connection.vendor == "sqlite":
            connection.close_at = None


def _in_every_thread(function: Callable[[], None]) -> None:
    # Each waits for all, so that no thread comes twice and none is left out.
    everyone = threading.Barrier(settings.DATABASE_THREADS)

    def once() -> None:
        everyone.wait(timeout=30)
        function()

    for ending in [_pool.submit(once) for _ in range(settings.DATABASE_THREADS)]:
        ending.result()
