"""What the tests of the subscribers may ask for."""

from collections.abc import Callable, Iterator

import pytest

from agent.models import Bookmark
from agent.subscriptions import seeding
from agent.subscriptions.base import Reaction, Subscriber
from agent.subscriptions.reactor import Reactor
from tests.agent.readers import Noter
from tests.servers import eventually


@pytest.fixture
def quick(settings) -> None:
    """Short timings."""
    settings.RETRY_FIRST_SECONDS = settings.RETRY_LONGEST_SECONDS = 0.002
    settings.PROBE_SECONDS = 0.0


@pytest.fixture
def reactor(quick: None) -> Iterator[Reactor]:
    reactor = Reactor()
    yield reactor
    reactor.close()


@pytest.fixture
def noter(transactional_db: None) -> Noter:
    """A Reaction that is registered on an empty log."""
    noter = Noter()
    seeding.register([noter])
    return noter


@pytest.fixture
def work_off(reactor: Reactor) -> Callable[[Reaction], None]:
    """Look and work until nothing of a Reaction is due, now or by backing off."""

    def work(*subscribers: Subscriber) -> None:
        def all_done() -> bool:
            dealt_with = sum(reactor.work_off(reaction) for reaction in subscribers)
            names = [subscriber.name for subscriber in subscribers]
            waiting = Bookmark.objects.filter(subscriber__in=names, due_at__isnull=False, wedged_at=None)
            return not dealt_with and not waiting.exists()

        seeding.register(subscribers)
        seeding.notice(subscribers)
        eventually(all_done, what="the end of the work")

    return work
