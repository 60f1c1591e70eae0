"""The law of rewriting: the tables, a rebuild of them, the plainest reading of the log and what was meant all agree."""

import pytest
from django.conf import settings as site
from django.db import connection

from chat.story import bonds, rebuild
from chat.story.fact_models import Memory, Milestone, StoryEvent
from tests.factories import make_user
from tests.properties.naive import NaiveFacts
from tests.properties.rewriting import Tale

#: In so many parts, so that a failing seed is near.
PARTS = 10

pytestmark = pytest.mark.django_db


def sequences() -> int:
    """1,000 on SQLite and 200 on PostgreSQL, unless the laws are to be tried for longer."""
    return site.LAW_EXAMPLES * (100 if connection.vendor == "sqlite" else 20)


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_is_rewritten_the_tables_are_what_the_log_and_the_player_say(part):
    owner = make_user()
    for seed in range(part, sequences(), PARTS):
        tale = Tale(seed, owner)
        tale.play()
        check(tale, seed)


def check(tale: Tale, seed: int) -> None:
    chat = tale.chat
    naive = NaiveFacts(chat)
    live = [turn.text for turn in chat.turns.live().in_story_order()]
    assert live == naive.live, seed
    assert live == tale.expected(), seed
    assert chat.turn_count == len(live), seed
    rows = StoryEvent.objects.filter(chat=chat).values_list("id", "status", "status_position")
    assert {id_: (status, position) for id_, status, position in rows} == naive.statuses, seed
    assert set(Memory.objects.filter(chat=chat).active().values_list("id", flat=True)) == naive.memories, seed
    assert {(bond.character, bond.toward): bond.level for bond in bonds.bonds(chat)} == naive.levels, seed
    milestones = list(Milestone.objects.filter(chat=chat).live().values_list("story_event", flat=True))
    assert len(milestones) == len(set(milestones)), seed
    assert rebuild.differences(chat.id) == [], seed
