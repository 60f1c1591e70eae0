"""Does the subscribers' work in this process, with no broker: what is due, once or for ever."""

import math
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from django import db
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from agent import registry
from agent.operations.locking import NoBookmarksError, trouble_of
from agent.subscriptions import alerts, history, projector, seeding
from agent.subscriptions.reactor import Reactor

UPKEEP_SECONDS = 3600.0


class Command(BaseCommand):
    """Works off the lanes of every subscriber, one after another."""

    _upkeep_at = 0.0

    help = "Work off what the subscribers have to do, without a broker. Ends with Ctrl-C or SIGTERM."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--once`."""
        parser.add_argument("--once", action="store_true", help="end when nothing is due")

    def handle(self, *_: Any, **options: Any) -> None:
        """Look, work, and look again; with `--once` CommandError when the database does not answer."""
        reactor, stopped = Reactor(), threading.Event()

        def end() -> None:
            stopped.set()
            reactor.stop()
            _cancel_after_grace(reactor)

        _on_signals(end)
        try:
            while not stopped.is_set():
                dealt_with = self._round(reactor, stopped, once=options["once"])
                if options["once"] and not dealt_with:
                    break
                if not dealt_with:
                    stopped.wait(settings.SWEEP_SECONDS)
        finally:
            reactor.close()

    def _round(self, reactor: Reactor, stopped: threading.Event, *, once: bool) -> int:
        # What the last round may have left broken.
        db.close_old_connections()
        try:
            self._keep_up()
            return _work(reactor, stopped)
        except db.Error as error:
            if once:
                raise CommandError(_told(error)) from None
            self.stderr.write(_told(error))
            return 0

    def _keep_up(self) -> None:
        """Once an hour, what the workers' sweepers do then: old Attempts go, alerts that nobody took are posted."""
        now = time.monotonic()
        if now >= self._upkeep_at:
            history.prune(days=settings.ATTEMPT_DAYS)
            alerts.post_what_was_not_taken()
            self._upkeep_at = now + UPKEEP_SECONDS


def _work(reactor: Reactor, stopped: threading.Event) -> int:
    """One round over all subscribers; how many events were dealt with."""
    seeding.register(registry.subscribers())
    seeding.notice(registry.subscribers())
    dealt_with = sum(projector.work_off(projection, stopping=stopped.is_set) for projection in registry.projections())
    for reaction in registry.reactions():
        reactor.probe(reaction)
        dealt_with += reactor.work_off(reaction)
    return dealt_with


def _told(error: db.Error) -> str:
    if isinstance(trouble := trouble_of(error), NoBookmarksError):
        return trouble.detail
    return f"The database does not answer: {' '.join(str(error).split())}"


def _cancel_after_grace(reactor: Reactor) -> None:
    if math.isfinite(settings.GRACE_SECONDS):
        timer = threading.Timer(settings.GRACE_SECONDS, reactor.cancel)
        timer.daemon = True
        timer.start()


def _on_signals(end: Callable[[], None]) -> None:
    # Tests call the command from threads, where there are no signals to be had.
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: end())
