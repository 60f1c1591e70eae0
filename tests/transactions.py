"""What another connection has done and not committed yet."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def in_mid_transaction(act: Callable[[], object], *, commit: bool = True) -> Iterator[None]:
    """Another connection has done `act` and has not committed yet; it does at the end, or rolls back."""
    done, ending = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                act()
                done.set()
                assert ending.wait(30)
                transaction.set_rollback(not commit)
        finally:
            connection.close()

    other = threading.Thread(target=hold)
    other.start()
    assert done.wait(30)
    try:
        yield
    finally:
        ending.set()
        other.join(30)
