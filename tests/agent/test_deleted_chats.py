"""A deleted chat is nobody's: no model is asked about it until it is brought back."""

import pytest

from agent.models import Attempt, Bookmark
from agent.projections.turn_search import TurnSearch, search
from agent.subscriptions import counting, lanes, seeding
from agent.subscriptions.seeding import Scope
from chat.story.models import Chat
from chat.turns import chats
from tests.agent.readers import notes
from tests.agent.test_projector import run
from tests.factories import make_chat, owner_of, say

pytestmark = pytest.mark.django_db(transaction=True)


def delete(chat: Chat) -> None:
    chats.delete(chat, by=owner_of(chat))


def bring_back(chat: Chat) -> None:
    chats.undelete(chat, by=owner_of(chat))


@pytest.mark.parametrize("noticed", ["before it is deleted", "after"])
def test_nothing_is_asked_of_a_deleted_chat_and_all_once_it_is_back(noter, work_off, noticed):
    chat, other = make_chat(), make_chat()
    turns, elsewhere = [say(chat, "One"), say(chat, "Two")], say(other, "Elsewhere")
    if noticed == "before it is deleted":
        seeding.notice([noter])
    delete(chat)

    work_off(noter)
    assert (notes(chat.id), notes(other.id)) == ([], [elsewhere])
    assert noter.seen == [elsewhere]

    bring_back(chat)
    seeding.notice([noter], Scope(names=[chat.stream]))  # as the bell has the sweeper do
    work_off(noter)
    assert notes(chat.id) == turns
    assert noter.seen == [elsewhere, *turns]


def test_who_held_the_lane_of_a_chat_that_was_deleted_meanwhile_is_noted_as_lost(noter):
    chat = make_chat()
    turn = say(chat, "One")
    seeding.notice([noter])
    assert lanes.claim(noter, worker="w") is not None
    Bookmark.objects.update(leased_until="2026-01-01T00:00:00Z")
    delete(chat)

    assert lanes.claim(noter, worker="another") is None

    assert Attempt.objects.get(event=turn).outcome == Attempt.Outcome.LOST
    assert Bookmark.objects.get().leased_until is None


def test_what_nobody_waits_for_is_no_lag(noter):
    chat, other = make_chat(), make_chat()
    say(chat, "One")
    turn = say(other, "Elsewhere")
    seeding.notice([noter])

    delete(chat)

    assert counting.events_ahead([noter]) == {"noter": (1, turn)}


def test_projections_go_on_so_that_it_comes_back_with_all_that_was_said():
    chat = make_chat()
    say(chat, "A lantern")
    delete(chat)
    run(TurnSearch())
    assert not Bookmark.objects.filter(due_at__isnull=False).exists()

    bring_back(chat)

    assert len(search(chat.owner_id, "lantern")) == 1
