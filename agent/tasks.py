"""What Celery calls. A task is a hint that there may be work: the database is the queue."""

import threading
from functools import cache

from celery import shared_task

from agent import registry
from agent.subscriptions import projector, rebuilding
from agent.subscriptions.reactor import Reactor

#: Set when this process is to end: Projections stop after their batch.
closing = threading.Event()
_making = threading.RLock()


def reactor() -> Reactor:
    """This process's reactor; one, whichever threads ask first."""
    with _making:
        return _reactor()


@cache
def _reactor() -> Reactor:
    return Reactor()


@shared_task(name="agent.run_lane", ignore_result=True, acks_late=False)
def run_lane(reaction: str, stream: str) -> None:
    """Work off a Reaction's lane of a stream, then whatever else of its lanes is due."""
    reactor().work_off(registry.reaction(reaction), stream=stream)


@shared_task(name="agent.project", ignore_result=True, acks_late=False)
def project(projection: str) -> None:
    """Apply what is due for a Projection."""
    projector.work_off(registry.projection(projection), stopping=closing.is_set)


@shared_task(name="agent.rebuild", ignore_result=True, acks_late=False)
def rebuild(projection: str, epoch: int) -> None:
    """Carry out a rebuild that an operator began."""
    rebuilding.carry_out(registry.projection(projection), epoch)
