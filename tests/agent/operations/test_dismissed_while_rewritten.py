"""A dismissal and a regenerate of the same turn at once: each is whole, and neither waits for the other."""

import asyncio
from collections.abc import Callable

import pytest
from django.db import connection
from django.utils import timezone

from agent.models import AuditEntry, Bookmark, DismissedEvent
from agent.operations import audit
from agent.operations.dismiss import DismissEvent, dismiss_event
from agent.operations.regenerate import RegenerateTurn, regenerate_turn
from agent.subscriptions import seeding
from chat.errors import ChatError
from chat.story import rebuild
from chat.story.models import Turn
from chat.turns import claims, generation, leases
from chat.turns.announce import Silent
from chat.turns.leases import Settled
from chat.turns.models import Generation
from tests.agent.operations.conftest import Wedged, at_once, operator, work
from tests.agent.readers import notes
from tests.factories import make_chat, say
from tests.facts import reply, texts
from tests.model_server import ScriptedModelServer
from tests.model_server import say as answer
from tests.transactions import in_mid_transaction

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stuck(noter) -> Wedged:
    """A lane that is wedged at a reply, with more behind it."""
    chat = make_chat()
    own = say(chat, "Mara?")
    poison = reply(chat, "Mara", "poison", group=own)
    later = say(chat, "And now?")
    after = [later, reply(chat, "Ilse", "After", group=later)]
    seeding.notice([noter])
    wedged = Wedged(chat=chat, poison=poison, after=after)
    Bookmark.objects.filter(id=wedged.lane.pk).update(position=own, wedged_at=timezone.now(), fingerprint="f1")
    return wedged


def dismiss(stuck: Wedged, by) -> Callable[[], object]:
    command = DismissEvent(reaction="noter", event_id=stuck.poison, reason="Poison")
    return lambda: dismiss_event(command, by=by)


def rewrite(stuck: Wedged) -> Callable[[], object]:
    """The new writing of the reply is whole and settles."""
    claim = claims.claim_rewriting(stuck.chat.id, turn=stuck.poison, asked_by="user:1", now=timezone.now())
    how = Settled(state=Generation.State.FINISHED, text="Another way.")
    return lambda: leases.settle(claim, how, at=timezone.now())


def assert_both_are_whole(stuck: Wedged, *, decisions: int = 1) -> int:
    """The dismissal as one, the regenerate as one; the new turn."""
    new = Turn.objects.get(regenerated_from=stuck.poison)
    assert texts(stuck.chat) == ["Mara?", new.text, "And now?", "After"]
    assert Turn.objects.get(id=stuck.poison).superseded_by == new.id
    assert rebuild.differences(stuck.chat.id) == []
    assert AuditEntry.objects.count() == decisions
    assert audit.verify() == []
    dismissed = AuditEntry.objects.get(act="dismiss_event").decision_id
    assert DismissedEvent.objects.get().decision == dismissed
    assert (stuck.lane.position, stuck.lane.wedged_at) == (stuck.poison, None)
    return new.id


@pytest.mark.parametrize("round_", range(5))
def test_at_once_both_are_whole_and_the_new_writing_is_read(stuck, noter, reactor, round_):
    answers = at_once([dismiss(stuck, operator("dismiss_event")), rewrite(stuck)])

    assert not [one for one in answers if isinstance(one, ChatError)]
    new = assert_both_are_whole(stuck)
    work(reactor, noter)
    assert notes(stuck.chat.id) == [*stuck.after, new]
    assert stuck.lane.wedged_at is None


def test_an_operators_regenerate_and_a_dismissal_at_once_make_one_chain(stuck, settings):
    ben = operator("regenerate_turn")
    command = RegenerateTurn(turn_id=stuck.poison, reason="Out of character")

    async def regenerate() -> object:
        decided = await regenerate_turn(command, by=ben, announcer=Silent())
        await generation.idle()
        return decided

    with ScriptedModelServer() as server:
        settings.MODEL_URL, settings.MODEL = server.url, "scripted"
        server.default = answer("Another way.")
        answers = at_once([dismiss(stuck, operator("dismiss_event")), lambda: asyncio.run(regenerate())])

    assert not [one for one in answers if isinstance(one, ChatError)]
    assert_both_are_whole(stuck, decisions=2)


@pytest.fixture
def many_writers() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("one connection writes at a time: nobody is ever in between")


@pytest.mark.usefixtures("many_writers")
def test_a_regenerate_settles_while_a_dismissal_is_about_to_commit(stuck):
    settle, by = rewrite(stuck), operator("dismiss_event")

    with in_mid_transaction(dismiss(stuck, by), commit=True):
        settle()
        assert Turn.objects.get(id=stuck.poison).superseded_by is not None

    assert_both_are_whole(stuck)


@pytest.mark.usefixtures("many_writers")
def test_an_event_is_dismissed_while_its_turn_is_about_to_be_superseded(stuck):
    dismissal = dismiss(stuck, operator("dismiss_event"))

    with in_mid_transaction(rewrite(stuck), commit=True):
        dismissal()
        assert stuck.lane.position == stuck.poison

    assert_both_are_whole(stuck)


@pytest.mark.usefixtures("many_writers")
def test_what_fails_beside_a_dismissal_leaves_it_whole(stuck):
    dismissal = dismiss(stuck, operator("dismiss_event"))

    with in_mid_transaction(rewrite(stuck), commit=False):
        dismissal()

    assert texts(stuck.chat) == ["Mara?", "poison", "And now?", "After"]
    assert rebuild.differences(stuck.chat.id) == []
    assert (stuck.lane.position, DismissedEvent.objects.count()) == (stuck.poison, 1)
