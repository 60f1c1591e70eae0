"""The law of branches: a branch is the story as it stood, for the part that was copied, and rebuilds like any other."""

import random
from typing import Any

import pytest
from django.conf import settings as site

from chat.log.read import events_of
from chat.story import rebuild
from chat.story.bonds import bonds
from chat.story.branching import history_of
from chat.story.fact_models import Memory, Milestone, StoryEvent, StoryTransition
from chat.story.models import Chat, Turn
from chat.story.payloads import decode
from chat.story.positions import references
from chat.turns import branching
from tests.facts import read
from tests.properties.test_leaks import STEPS, Play

pytestmark = pytest.mark.django_db(transaction=True)


def play(seed: int) -> Play:
    """A story at random that is read as it goes, in part belatedly, and never quite to its end."""
    story = Play(seed)
    unread: list[int] = []
    head = 0
    for _ in range(STEPS):
        story.act()
        new = [event.position for event in events_of(story.chat.stream, after=head)]
        unread += new
        head = new[-1] if new else head
        if unread and story.rng.random() < 0.7:
            read(story.chat, *unread)
            head = events_of(story.chat.stream)[-1].position
            unread = []
    return story


def told(chat: Chat, upto: int, ids: dict[int, int]) -> dict[str, Any]:
    """What a chat tells of its part up to a place, with positions as `ids` has them."""

    def as_copied(position: int | None) -> int | None:
        return None if position is None else ids.get(position, -1)

    turns = [
        (as_copied(turn.id), turn.kind, turn.speaker, turn.text, as_copied(turn.place), as_copied(turn.group),
         as_copied(turn.scene), turn.witnesses, as_copied(turn.superseded_by), as_copied(turn.regenerated_from),
         as_copied(turn.meanwhile_id), turn.said_at, [ids[one] for one in turn.took_along if one in ids])
        for turn in chat.turns.filter(place__lte=upto).order_by("id")
    ]  # fmt: skip
    memories = Memory.objects.filter(chat=chat).active().filter(place__lte=upto).order_by("id")
    moves = StoryTransition.objects.filter(chat=chat, place__lte=upto).standing().order_by("id")
    reached = Milestone.objects.filter(chat=chat).live().filter(place__lte=upto).order_by("id")
    planned = StoryEvent.objects.filter(chat=chat, place__lte=upto).order_by("id")
    return {
        "turns": turns,
        "memories": [(as_copied(one.id), one.witness, one.text, as_copied(one.turn)) for one in memories],
        "moves": [(as_copied(one.id), as_copied(one.story_event), one.status, one.witnesses) for one in moves],
        "milestones": [(as_copied(one.id), one.text) for one in reached],
        "story_events": [(as_copied(one.id), one.title, one.witnesses) for one in planned],
        "bonds": [(bond.character, bond.toward, bond.level) for bond in bonds(chat, before=upto + 1)],
        "cast": sorted(chat.cast.values_list("character", "name")),
    }


@pytest.mark.parametrize("seed", range(max(4, site.LAW_EXAMPLES // 2)))
def test_a_branch_is_the_story_as_it_stood(seed, settings):
    settings.READER = "words"
    story = play(seed)
    original = story.chat
    for turn in random.Random(seed).sample(list(original.turns.live().in_story_order()), 2):
        copied = history_of(original, turn=turn)

        begun = Chat.objects.get(id=branching.branch(original, turn=turn.id, by=story.owner))

        copies = events_of(begun.stream)[: len(copied)]
        ids = {event.position: copy.position for (event, _), copy in zip(copied, copies, strict=True)}
        same = {copy.position: copy.position for copy in copies}
        assert told(begun, copies[-1].position, same) == told(original, turn.place, ids), seed
        assert begun.turns.live().in_story_order().last().text == turn.text
        assert all(references(decode(copy.kind, copy.payload)) <= set(same) for copy in copies)
        assert rebuild.differences(begun.id) == []
        assert begun.turn_count == begun.turns.live().count()


def test_what_is_said_later_or_follows_from_it_is_not_copied(settings):
    settings.READER = "words"
    story = play(7)
    turn = story.chat.turns.live().in_story_order()[1]
    later = set(Turn.objects.filter(chat=story.chat, place__gt=turn.place).values_list("id", flat=True))

    copied = {event.position for event, _ in history_of(story.chat, turn=turn)}

    assert later
    assert not later & copied
