"""The fire drill, from its start to the dismissal; and what else operators decide."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from agent import registry
from agent.models import AuditEntry, Bookmark, DismissedEvent
from agent.operations.cautions import DeclineCaution, PromoteCaution, review_caution
from agent.operations.dismiss import DismissEvent, dismiss_event
from agent.operations.drill import DrillUnderWayError, StartDrill, start_drill
from agent.operations.operator import NotPermittedError
from agent.reactions.turn_page import page_of
from agent.subscriptions import seeding
from chat.story import decisions
from chat.story.fact_models import Decision
from chat.story.models import Chat
from chat.turns.cautions import NoSuchCautionError
from tests.agent.operations.conftest import allow, draft_caution, operator, work
from tests.factories import make_chat, make_user, owner_of, say

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def drill(settings, transactional_db):
    settings.RETRY_FIRST_SECONDS = settings.RETRY_LONGEST_SECONDS = 0.0
    reaction = registry.reaction("drill")
    seeding.register([reaction])
    return reaction


def test_a_drill_is_real_from_its_start_to_its_end(drill, reactor):
    anna = operator("start_drill", "dismiss_event")

    started = start_drill(StartDrill(), by=anna)
    with pytest.raises(DrillUnderWayError):
        start_drill(StartDrill(), by=anna)
    work(reactor, drill)

    lane = Bookmark.objects.get(subscriber="drill", stream__name=started.target["stream"])
    assert lane.wedged_at is not None
    assert lane.attempts.count() == 2
    assert "fire drill" in lane.attempts.first().message
    with pytest.raises(DrillUnderWayError):
        start_drill(StartDrill(), by=anna)
    event = started.target["event"]
    dismiss_event(DismissEvent(reaction="drill", event_id=event, reason="A drill", preset="test"), by=anna)
    work(reactor, drill)
    lane.refresh_from_db()
    assert (lane.wedged_at, lane.due_at) == (None, None)
    again = start_drill(StartDrill(), by=anna)
    assert again.target["chat"] == started.target["chat"], "drills have a chat of their own, one"
    assert Chat.objects.get(id=again.target["chat"]).archived_at is not None


def test_a_drill_by_the_command_line(drill):
    allow(make_user("anna"), "start_drill")
    make_user("eve")
    out = StringIO()

    call_command("drill", "--as-user=anna", stdout=out)

    assert "DrillStarted" in out.getvalue()
    with pytest.raises(CommandError) as refused:
        call_command("drill", "--as-user=eve", stdout=out)
    assert refused.value.returncode == 4
    with pytest.raises(CommandError) as refused:
        call_command("drill", "--as-user=nobody", stdout=out)
    assert refused.value.returncode == 2


def test_players_are_not_told_of_drills(client):
    chat = make_chat()
    client.force_login(owner_of(chat))

    assert set(client.get(f"/agent/chats/{chat.id}/reading/").json()) == {
        "chronicler",
        "run_debriefer",
        "caution_drafter",
    }


def test_a_turn_that_was_dismissed_is_left_out_of_later_prompts(transactional_db):
    chat = make_chat()
    first, poison, newest = say(chat, "One"), say(chat, "poison"), say(chat, "Three")
    DismissedEvent.objects.create(subscriber="chronicler", event=poison, decision=1)

    page = page_of(chat.id, newest, reader="chronicler")

    assert [turn.id for turn in page.earlier] == [first]
    assert [turn.id for turn in page_of(chat.id, newest, reader="another").earlier] == [first, poison]


def test_a_caution_is_promoted_and_declined_in_its_story_and_in_the_audit(transactional_db):
    chat = make_chat()
    turn = say(chat, "Nobody tells Mara.")
    drafted = draft_caution(chat, turn)
    anna = operator("promote_caution", "decline_caution")

    promoted = review_caution(PromoteCaution(caution_id=drafted), by=anna)
    assert Decision.objects.get(id=drafted).verdict == decisions.PROMOTED
    declined = review_caution(DeclineCaution(caution_id=drafted, reason="It gives it away"), by=anna)

    assert (promoted.before, promoted.after) == ({"verdict": ""}, {"verdict": "Promoted"})
    assert Decision.objects.get(id=declined.before and drafted).verdict == decisions.DECLINED
    assert list(AuditEntry.objects.order_by("decision_id").values_list("act", "stream")) == [
        ("promote_caution", chat.stream),
        ("decline_caution", chat.stream),
    ]
    with pytest.raises(NotPermittedError):
        review_caution(PromoteCaution(caution_id=drafted), by=operator("view_desk"))
    for missing in (turn, 10**15, 2**70, 0):
        with pytest.raises(NoSuchCautionError):
            review_caution(PromoteCaution(caution_id=missing), by=anna)
