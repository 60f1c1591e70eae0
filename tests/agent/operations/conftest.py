"""What the tests of the desk may ask for: operators, and a lane that is wedged."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connections
from django.utils import timezone

from agent import registry
from agent.decisions import caution_drafted
from agent.models import Attempt, Bookmark
from agent.operations.operator import Operator
from agent.subscriptions import seeding
from agent.subscriptions.base import Reaction
from agent.subscriptions.reactor import Reactor
from chat.errors import ChatError
from chat.log.models import Event
from chat.story.models import Chat
from tests.agent.readers import Noter
from tests.factories import cast_of, make_chat, make_user, say
from tests.facts import record
from tests.servers import eventually

NOTER, COUNTER = "tests.agent.readers.Noter", "tests.agent.readers.Counter"


def allow(user: User, *acts: str) -> User:
    """Give a user permissions of the desk; the user is read anew, since permissions are cached."""
    user.user_permissions.add(*Permission.objects.filter(content_type__app_label="agent", codename__in=acts))
    return User.objects.get(pk=user.pk)


def operator(*acts: str, name: str = "", **how: object) -> Operator:
    """Somebody at the desk with these permissions."""
    return Operator(user=allow(make_user(name), *acts), **{"channel": "command", **how})


@pytest.fixture
def noter(transactional_db: None, settings) -> Noter:
    """A Reaction that every door knows, and a Projection beside it."""
    settings.SUBSCRIBERS = [NOTER, COUNTER]
    settings.RETRY_FIRST_SECONDS = settings.RETRY_LONGEST_SECONDS = 0.0
    noter = registry.reaction("noter")
    noter.act = poisoned
    noter.seen.clear()
    seeding.register([noter, registry.projection("counter")])
    return noter


def poisoned(event: Event) -> None:
    if "poison" in event.payload["text"]:
        raise ValueError("cannot")


@dataclass
class Wedged:
    """A chat whose lane of the noter is wedged at `poison`; `after` waits behind it."""

    chat: Chat
    poison: int
    after: list[int]

    @property
    def stream(self) -> str:
        return self.chat.stream

    @property
    def lane(self) -> Bookmark:
        return Bookmark.objects.get(subscriber="noter", stream__name=self.stream)


@pytest.fixture
def wedge(noter: Noter, reactor: Reactor) -> Callable[[], Wedged]:
    """Makes a wedged lane."""

    def make() -> Wedged:
        chat = make_chat()
        poison, after = say(chat, "poison"), [say(chat, "After"), say(chat, "And after")]
        work(reactor, noter)
        wedged = Wedged(chat=chat, poison=poison, after=after)
        assert wedged.lane.wedged_at is not None
        return wedged

    return make


@pytest.fixture
def stuck(noter: Noter) -> Wedged:
    """The same by its rows alone, for tests that need nobody to work the lane."""
    chat = make_chat()
    poison, after = say(chat, "poison"), [say(chat, "After"), say(chat, "And after")]
    seeding.notice([noter])
    wedged = Wedged(chat=chat, poison=poison, after=after)
    bookmark = wedged.lane
    tried = {"event": poison, "outcome": Attempt.Outcome.FAILED, "started_at": timezone.now(), "fingerprint": "f1"}
    Attempt.objects.bulk_create(Attempt(bookmark=bookmark, fence=fence, **tried) for fence in (1, 2))
    Bookmark.objects.filter(id=bookmark.pk).update(
        fence=2, fingerprint="f1", wedged_at=timezone.now(), wedged_reason="our own code fails on it"
    )
    return wedged


@pytest.fixture
def wedged(wedge: Callable[[], Wedged]) -> Wedged:
    return wedge()


def work(reactor: Reactor, *reactions: Reaction) -> None:
    """Deal with all that is due, now or by backing off."""
    names = [reaction.name for reaction in reactions]
    waiting = Bookmark.objects.filter(subscriber__in=names, due_at__isnull=False, wedged_at=None)

    def done() -> bool:
        return not sum(reactor.work_off(reaction) for reaction in reactions) and not waiting.exists()

    seeding.notice(reactions)
    eventually(done, what="the end of the work")


def draft_caution(chat: Chat, turn: int) -> int:
    """A caution for Ilse, drafted from a turn."""
    drafted = caution_drafted(
        "Mara does not know.", audience=[cast_of(chat)["Ilse"]], reasoning="", turns=[turn], decided_by="m"
    )
    return record(chat, drafted)[0]


def at_once(calls: list) -> list[object]:
    """What each call answers or is refused with, all begun at the same moment."""
    gate = threading.Barrier(len(calls))

    def one(call) -> object:
        gate.wait(20)
        try:
            return call()
        except ChatError as refused:
            return refused
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(one, calls))
