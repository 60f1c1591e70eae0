"""A signed-in player, and replies that wait for a gate."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.player import PATIENCE, TELLS, Player
from tests.conftest import NOBODY
from tests.model_server import say
from tests.site import Site


@pytest.fixture(scope="session", autouse=True)
def patient_expectations() -> None:
    """What is expected of a page is awaited as long as everything else."""
    from playwright.sync_api import expect  # noqa: PLC0415  (half a second that few runs need)

    expect.set_options(timeout=PATIENCE)


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
def other(player: Player, browser: Any, shared_site: Site, kept_session: Any) -> Iterator[Player]:
    """Another tab of the same story."""
    tab = Player(browser, shared_site, kept_session)
    yield tab
    tab.context.close()
    assert tab.wrong == []


@pytest.fixture(autouse=True)
def nothing_left_to_say(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test had the model say and was not asked for is not said to the next."""
    yield
    if "shared_site" in request.fixturenames:
        model = request.getfixturevalue("shared_site").model
        model.forget()
        model.answers["Interjection"] = NOBODY


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: Any) -> Any:
    """Of a failure, also what the page and the site had to say."""
    report = yield
    if report.when == "call" and report.failed:
        if player := item.funcargs.get("player"):
            report.sections.append(("The page", player.account))
        if site := item.funcargs.get("shared_site"):
            report.sections.append(("The site", "\n".join(site.log.splitlines()[-30:])))
    return report


@pytest.fixture
def gate(shared_site: Site) -> Iterator[threading.Event]:
    """The next reply stops after its first word until the gate is set."""
    gate = threading.Event()
    shared_site.model.script(say(TELLS, gate=gate))
    yield gate
    gate.set()
