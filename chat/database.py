"""How async code reaches the database: one bounded pool of threads, each with a connection of its own.

`asgiref`'s thread-sensitive executor gives each request a thread, and tasks spawned from a request a
connection each; under load that is hundreds of connections. Everything async goes through here instead.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import close_old_connections, connections

_pool = ThreadPoolExecutor(max_workers=settings.DATABASE_THREADS, thread_name_prefix="database")


async def in_thread[**P, T](function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking database code in the pool; a dead or old connection is replaced before and after."""

    def call() -> T:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        finally:
            close_old_connections()

    return await asyncio.get_running_loop().run_in_executor(_pool, call)


def close_all() -> None:
    """Close this thread's connections and those that idle in PostgreSQL's pool: before a database is dropped.

    The threads of the pool hold none between two calls.
    """
    for connection in connections.all(initialized_only=True):
        connection.close()
        if (close_pool := getattr(connection, "close_pool", None)) is not None:
            close_pool()
