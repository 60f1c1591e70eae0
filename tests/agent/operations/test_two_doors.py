"""The contract of the operations that stand behind the admin and a command: the same through either."""

import pytest

from agent.models import AuditEntry, DismissedEvent, Refusal, Subscriber
from agent.operations.dismiss import DismissEvent, dismiss_event
from agent.operations.operator import Operator
from chat.story import rebuild
from chat.story.fact_models import Decision
from chat.story.fact_payloads import EventStarted
from chat.story.models import Chat, Turn
from chat.turns import chats
from chat.turns.models import Generation
from tests.agent.operations.conftest import draft_caution, operator
from tests.agent.operations.doors import TWO_DOORS, Answer, Command, Door
from tests.agent.readers import Noter, notes
from tests.factories import make_chat, owner_of, say
from tests.facts import moved, planned, regenerate, reply, status, texts
from tests.model_server import ScriptedModelServer
from tests.model_server import say as answer

pytestmark = pytest.mark.django_db(transaction=True)

ACTS = (
    "regenerate_turn",
    "restore_turn",
    "redeliver_event",
    "rebuild_projection",
    "promote_caution",
    "decline_caution",
)


@pytest.fixture
def server(settings):
    with ScriptedModelServer() as server:
        settings.MODEL_URL, settings.MODEL = server.url, "scripted"
        server.default = answer("Another answer.")
        yield server


@pytest.fixture(params=TWO_DOORS, ids=lambda door: door.__name__)
def kind_of_door(request, valkey) -> type[Door]:
    return request.param


@pytest.fixture
def anna(transactional_db) -> Operator:
    return operator(*ACTS, "view_desk", name="anna")


@pytest.fixture
def door(kind_of_door, anna) -> Door:
    return kind_of_door(anna)


@pytest.fixture
def chat(transactional_db) -> Chat:
    return make_chat()


@pytest.fixture
def turn(chat) -> int:
    """A reply that started something, with a turn after it."""
    said = reply(chat, "Mara", "“I open it.”", group=say(chat, "Mara?"))
    moved(chat, EventStarted, planned(chat), said)
    reply(chat, "Ilse", "“Too late.”", group=say(chat, "And now?"))
    return said


def rewrite(door: Door, turn: int, **said) -> Answer:
    return door.call("regenerate_turn", **{"turn_id": turn, "reason": "Out of character", **said})


def test_a_turn_is_regenerated_as_a_player_does_and_is_on_record(server, door, chat, turn):
    story_event = chat.story_events.get().id

    done = rewrite(door, turn, guidance=" colder ", preset="other")

    assert texts(chat)[1] == "Another answer."
    assert status(story_event) == "planned"
    assert rebuild.differences(chat.id) == []
    row = Generation.objects.get(id=done.said["after"]["generation"])
    assert (row.guidance, row.asked_by, row.rewrites) == ("colder", f"user:{door.by.user.pk}", turn)
    assert done.said["inputs"]["undone"] | {"memories": 0} == {
        "interjections": 0,
        "story_events": 1,
        "memories": 0,
        "milestones": 0,
        "relationships": 0,
        "later_turns": 2,
    }
    entry = AuditEntry.objects.get(decision_id=done.said["decision_id"])
    assert (entry.act, entry.channel, entry.principal_name) == ("regenerate_turn", door.channel, "anna")
    assert (entry.stream, entry.event, entry.reason, entry.preset) == (chat.stream, turn, "Out of character", "other")


def test_the_old_writing_is_restored_with_a_reason(server, door, chat, turn):
    rewrite(door, turn)

    assert door.call("restore_turn", turn_id=turn, reason=" ").problem == "no-reason"
    done = door.call("restore_turn", turn_id=turn, reason="It was better", key="r")

    assert texts(chat)[1] == "“I open it.”"
    assert status(chat.story_events.get().id) == "active"
    assert done.said["after"] == {"standing": turn}
    assert Turn.objects.get(id=done.said["before"]["standing"]).superseded_by == turn
    assert door.call("restore_turn", turn_id=turn, reason="It was better", key="r").said == done.said
    assert door.call("restore_turn", turn_id=turn, reason="It was better").problem == "stands-already"
    assert door.call("restore_turn", turn_id=10**12, reason="x").problem == "turn-not-found"


@pytest.mark.usefixtures("server", "valkey")
@pytest.mark.parametrize("act", ["regenerate_turn", "restore_turn"])
def test_a_key_gives_the_first_answer_when_the_chat_was_deleted_since(anna, chat, turn, act):
    # Not at the admin: that leads on to the turn's page, which is gone with the chat.
    door = Command(anna)
    before = regenerate(chat, turn) if act == "regenerate_turn" else rewritten(chat, turn)
    asked = {"turn_id": before, "reason": "It was better", "key": "k"}
    done = door.call(act, **asked)
    chats.delete(chat, by=owner_of(chat))

    assert door.call(act, **asked).said == done.said
    assert door.call(act, **asked | {"key": "another"}).problem == "turn-not-found"


def of_the_player(chat: Chat, turn: int) -> int:
    return Turn.objects.filter(chat=chat, kind="user_turn").earliest("id").id


def rewritten(chat: Chat, turn: int) -> int:
    regenerate(chat, turn)
    return turn


def under_way(chat: Chat, turn: int) -> int:
    from django.utils import timezone  # noqa: PLC0415

    from chat.turns import claims  # noqa: PLC0415

    claims.claim_rewriting(chat.id, turn=turn, asked_by="user:1", now=timezone.now())
    return turn


REFUSALS = {
    "no-reason": (400, lambda _, turn: turn, {"reason": " \n"}),
    "reason-too-long": (400, lambda _, turn: turn, {"reason": "x" * 2001}),
    "turn-not-found": (404, lambda _, turn: 10**12, {}),
    "not-a-reply": (422, of_the_player, {}),
    "not-standing": (409, rewritten, {}),
    "reply-running": (409, under_way, {}),
    "guidance-too-long": (413, lambda _, turn: turn, {"guidance": "x" * 2001}),
}


@pytest.mark.parametrize("problem", REFUSALS)
def test_a_regeneration_is_refused_and_nothing_changes(door, chat, turn, problem):
    status, prepare, said = REFUSALS[problem]
    which = prepare(chat, turn)
    stood, rows = texts(chat), Generation.objects.count()

    refused = rewrite(door, which, **said)

    assert (refused.problem, refused.status) == (problem, status)
    assert (texts(chat), Generation.objects.count()) == (stood, rows)
    assert not AuditEntry.objects.exclude(act="create_token").exists()
    noted = Refusal.objects.get()
    assert (noted.act, noted.problem, noted.principal_name) == ("regenerate_turn", problem, "anna")


@pytest.mark.parametrize("act", ["regenerate_turn", "restore_turn"])
def test_who_may_not_is_told_so_before_anything_else(kind_of_door, chat, act):
    eve = kind_of_door(operator("dismiss_event", name="eve"))

    refused = eve.call(act, turn_id=1, reason="x")

    assert (refused.status, refused.problem) == (403, "not-permitted")
    assert Refusal.objects.get(principal_name="eve").act == act


def test_a_key_begins_one_new_writing_whatever_the_door(server, door, chat, turn, anna):
    first = rewrite(door, turn, key="k")

    for other in TWO_DOORS:
        assert rewrite(other(anna), turn, key="k").said == first.said
        assert rewrite(other(anna), turn, key="k", guidance="warmer").problem == "key-reused"
    assert Generation.objects.filter(rewrites=turn).count() == 1
    assert [entry.act for entry in AuditEntry.objects.all()] == ["regenerate_turn"]


def test_a_projection_is_rebuilt(door, noter):
    counter = {"subscriber": "counter", "reason": "A case was missing"}

    done = door.call("rebuild_projection", **counter, key="k")

    row = Subscriber.objects.get(name="counter")
    assert (done.said["choice"], done.said["after"]["rebuilding"]) == ("RebuildBegun", 1)
    # Here at once, from the admin by a worker.
    assert row.epoch == 1 or row.rebuilding == 1
    assert door.call("rebuild_projection", **counter, key="k").said == done.said
    assert door.call("rebuild_projection", subscriber="counter", reason=" ").problem == "no-reason"
    assert door.call("rebuild_projection", subscriber="noter", reason="x").problem == "no-projection"


@pytest.fixture
def late_noter(noter, monkeypatch):
    monkeypatch.setattr(Noter, "accepts_late", True, raising=False)
    noter.act = lambda _: None
    return noter


def test_what_was_dismissed_is_redelivered(door, stuck, late_noter):
    dismiss_event(DismissEvent(reaction="noter", event_id=stuck.poison, reason="x"), by=operator("dismiss_event"))
    which = {"subscriber": "noter", "event_id": stuck.poison}

    assert door.call("redeliver_event", **which, reason=" ").problem == "no-reason"
    done = door.call("redeliver_event", **which, reason="The model was mended")

    assert done.said["after"]["outcome"] == "done"
    assert notes(stuck.chat.id) == [stuck.poison]
    assert not DismissedEvent.objects.exists()


@pytest.mark.parametrize(("act", "verdict"), [("promote_caution", "Promoted"), ("decline_caution", "Declined")])
def test_a_caution_is_judged(door, chat, act, verdict):
    drafted = draft_caution(chat, say(chat, "Nobody tells Mara."))

    done = door.call(act, caution_id=drafted, reason="As it reads")

    assert (done.said["choice"], done.said["reason"]) == (verdict, "As it reads")
    assert Decision.objects.get(id=drafted).verdict == verdict
    assert door.call(act, caution_id=10**12).problem == "no-such-caution"
