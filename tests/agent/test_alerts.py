"""What is posted to the operator's address, and what becomes of it when nobody is there to take it."""

from collections.abc import Callable

import pytest

from agent import wake
from agent.models import AlertSent, Bookmark, SuspendedEndpoint
from agent.subscriptions import breaker
from chat.log.models import Event
from tests.agent.readers import Noter
from tests.factories import make_chat, say
from tests.model_behaviours import Exchange, hang_up, server_error
from tests.model_server import ScriptedModelServer

pytestmark = pytest.mark.django_db(transaction=True)


def cannot(_: Event) -> None:
    raise ValueError("cannot")


async def talk_nonsense(exchange: Exchange) -> None:
    exchange.writer.write(b"What do you want?\r\n\r\n")
    exchange.writer.close()


@pytest.fixture
def address(settings, model: ScriptedModelServer) -> ScriptedModelServer:
    """A server that takes alerts, unless its script says otherwise."""
    settings.ALERT_URL = f"{model.url}/completions"
    return model


@pytest.fixture
def wedge(noter: Noter, work_off: Callable[..., None]) -> Callable[[], Bookmark]:
    """Wedge one more lane, every time for the same reason."""

    def wedge_one() -> Bookmark:
        noter.act = cannot
        chat = make_chat()
        say(chat, "poison")
        work_off(noter)
        return Bookmark.objects.get(stream__name=chat.stream, wedged_at__isnull=False)

    return wedge_one


def test_one_alert_is_posted_for_one_fingerprint(address, wedge):
    first, _ = wedge(), wedge()

    assert [request.body["fingerprint"] for request in address.requests] == [first.fingerprint]
    assert AlertSent.objects.get().fingerprint == first.fingerprint


@pytest.mark.parametrize("trouble", [server_error(503), hang_up(), talk_nonsense])
def test_an_alert_that_nobody_took_is_posted_when_the_same_goes_wrong_again(address, wedge, caplog, trouble):
    address.script(trouble)

    wedge()
    assert "the alert could not be posted" in caplog.text
    wedge()
    wedge()

    assert len(address.requests) == 2
    assert AlertSent.objects.count() == 1


def test_an_alert_that_nobody_took_is_posted_when_everything_is_looked_at(address, wedge, noter):
    address.script(server_error(503), server_error(503))
    wedge()
    wedge()
    hours = [wake.Sweeper(wake.Hints(), reactions=[noter]) for _ in range(2)]

    for hour in hours:
        hour.sweep()

    _, second, again = (request.body for request in address.requests)
    assert again["event"] < second["event"], "the oldest wedge of its kind is told"
    assert again["text"].endswith("is wedged at event {event}: our own code fails on it".format_map(again))


@pytest.mark.parametrize("trouble", ["nonsense", "http://[", "http://somebody:swordfish@host"])
def test_an_address_that_cannot_be_used_costs_a_line_in_the_log_and_no_secret(address, settings, caplog, trouble):
    address.script(talk_nonsense)
    settings.ALERT_URL = settings.ALERT_URL if trouble == "nonsense" else trouble

    breaker.suspend("mistral at example.org", reason="no such key")

    assert SuspendedEndpoint.objects.exists()
    assert "the alert could not be posted" in caplog.text
    assert "swordfish" not in caplog.text
