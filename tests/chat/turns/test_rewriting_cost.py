"""What a regenerate costs beside the model: few queries, and as many for a long chat as for a short one."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.story.fact_payloads import EventCompleted, EventStarted, MemoryFormed
from chat.story.models import Chat
from chat.story.payloads import AssistantTurn
from chat.turns import claims, leases
from chat.turns.leases import Settled
from chat.turns.models import Generation
from tests.factories import cast_of, make_chat, say
from tests.facts import moved, planned, record, reply

pytestmark = pytest.mark.django_db

MOST_QUERIES = 40


def told(chat: Chat, *, turns: int) -> int:
    """A reply that completed something, with two memories and an interjection, and so many turns after it."""
    cast = cast_of(chat)
    own = say(chat, "Mara?")
    turn = reply(chat, "Mara", "“I open it.”", group=own)
    interjection = reply(chat, "Ilse", "“No!”", group=own, interjection_of=cast["Mara"])
    story_event = planned(chat)
    moved(chat, EventStarted, story_event)
    moved(chat, EventCompleted, story_event, turn)
    for cause in (turn, interjection):
        record(chat, MemoryFormed(witness=cast["Ilse"], text="That.", importance=5, turn=cause))
    record(chat, *[AssistantTurn(speaker=cast["Mara"], text="More.") for _ in range(turns)])
    return turn


def cost(chat: Chat, turn: int) -> int:
    """From the claim to the commit; the savepoints are the test's, whose own transaction goes round it all."""
    with CaptureQueriesContext(connection) as queries:
        claim = claims.claim_rewriting(chat.id, turn=turn, asked_by="user:1", now=timezone.now())
        leases.settle(claim, Settled(state=Generation.State.FINISHED, text="Anew."), at=timezone.now())
    return len([query for query in queries if "SAVEPOINT" not in query["sql"]])


def test_a_regenerate_that_undoes_a_completion_two_memories_and_an_interjection_needs_few_queries():
    chat = make_chat()

    assert cost(chat, told(chat, turns=3)) <= MOST_QUERIES


def test_a_regenerate_in_a_long_chat_needs_no_more_queries_than_in_a_short_one():
    short, long = make_chat(), make_chat()

    assert cost(short, told(short, turns=5)) == cost(long, told(long, turns=300))
