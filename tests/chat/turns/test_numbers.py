"""What turns are called: numbers count what stands before, whichever turns are asked about together."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.story.models import Turn
from chat.turns import rewriting
from chat.turns.numbers import numbers_of, writings_of
from tests.factories import make_chat, owner_of, say
from tests.facts import regenerate, reply

pytestmark = pytest.mark.django_db(transaction=True)


def counted(turn: int) -> int:
    """The same, one by one and plainly."""
    one = Turn.objects.get(id=turn)
    return 1 + sum(other.place < one.place for other in one.chat.turns.live())


def test_turns_are_numbered_by_what_stands_before_them_each_in_its_story():
    chat, other = make_chat(), make_chat()
    first, elsewhere = say(chat, "One"), [say(other, "One"), say(other, "Two")]
    second, third, fourth = reply(chat, "Mara", "Two", group=first), say(chat, "Three"), say(chat, "Four")
    again = regenerate(chat, second)
    rewriting.delete(chat, turn=third, by=owner_of(chat))

    everything = list(Turn.objects.all())
    numbers = {first: 1, second: 2, again: 2, third: 3, fourth: 3, elsewhere[0]: 1, elsewhere[1]: 2}

    assert numbers_of(everything) == numbers
    for asked in (everything, everything[2:5], *([one] for one in everything)):
        assert numbers_of(asked) == {one.id: counted(one.id) for one in asked}


def test_turns_of_many_stories_are_numbered_with_as_many_queries_as_those_of_one():
    for chat in (make_chat() for _ in range(4)):
        say(chat, "Hello")
        say(chat, "Hello again")
    turns = list(Turn.objects.order_by("id"))
    with CaptureQueriesContext(connection) as one:
        numbers_of(turns[:2])

    with CaptureQueriesContext(connection) as many:
        assert list(numbers_of(turns).values()) == [1, 2] * 4

    assert len(many) == len(one)
    assert numbers_of([]) == {}


def test_writings_are_numbered_in_the_order_in_which_they_were_written():
    chat = make_chat()
    first = reply(chat, "Mara", "One", group=say(chat, "Mara?"))
    second = regenerate(chat, first)
    rewriting.restore(chat, turn=first, by=owner_of(chat))
    reply(chat, "Ilse", "Another turn", group=say(chat, "And?"))

    for one in (first, second):
        assert writings_of(Turn.objects.get(id=one)) == {first: 1, second: 2}
