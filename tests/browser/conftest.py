"""A signed-in player, and replies that wait for a gate."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.player import TELLS, Player
from tests.model_server import say
from tests.site import Site


@pytest.fixture(scope="module")
def kept_session(browser: Any, shared_site: Site) -> Any:
    """The owner's cookies."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(shared_site.enter_link())
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def player(browser: Any, shared_site: Site, kept_session: Any) -> Iterator[Player]:
    player = Player(browser, shared_site, kept_session)
    yield player
    player.context.close()
    assert player.wrong == []


@pytest.fixture
def gate(shared_site: Site) -> Iterator[threading.Event]:
    """The next reply stops after its first word until the gate is set."""
    gate = threading.Event()
    shared_site.model.script(say(TELLS, gate=gate))
    yield gate
    gate.set()
