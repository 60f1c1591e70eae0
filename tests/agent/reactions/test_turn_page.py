"""What the Chronicler's model is shown of a turn: the story as of its place, and only what all its witnesses saw."""

import pytest

from agent.reactions import turn_page
from agent.reactions.chronicler import Chronicler
from agent.subscriptions.base import Done
from chat.story.fact_models import StoryEvent
from chat.story.fact_payloads import EventCompleted, EventPlanned, EventStarted
from chat.story.models import Turn
from chat.turns import scenes
from tests.agent.reactions.conftest import NOTHING, planned
from tests.factories import cast_of, owner_of, say
from tests.facts import react, record, reply, take
from tests.model_server import answer_json

pytestmark = pytest.mark.django_db(transaction=True)


def planned_out_of_toms_sight(chat, words):
    """Tom leaves, something is said and planned, Tom comes back; the story event."""
    owner, tom = owner_of(chat), cast_of(chat)["Tom"]
    scenes.leave(chat, character=tom, by=owner)
    secret = say(chat, words)
    plan = record(chat, EventPlanned(title="Dig up the coin", triggered_by_user_turn_id=secret))[0]
    scenes.enter(chat, character=tom, by=owner)
    return plan


def test_one_question_is_asked_of_the_model_and_only_with_what_all_witnesses_saw(chat, reader):
    reader.default = answer_json(NOTHING)
    plan = planned_out_of_toms_sight(chat, "The coin is under the third stair.")
    open_turn = say(chat, "Good evening, Tom.")

    react(Chronicler(), open_turn)

    (request,) = reader.requests
    assert "Good evening, Tom." in request.prompt_text
    assert "coin" not in request.prompt_text
    assert str(plan) not in request.prompt_text


def test_what_was_planned_out_of_sight_is_moved_by_its_words(chat, reader):
    reader.default = answer_json(NOTHING)
    plan = planned_out_of_toms_sight(chat, "Let us dig up the coin.")

    take(chat, react(Chronicler(), say(chat, "Tom, we dig up the coin.")))

    assert StoryEvent.objects.get(id=plan).status == "active"


def test_a_late_reading_knows_nothing_of_what_was_planned_after_its_place(chat, reader):
    reader.default = answer_json(NOTHING)
    turn = Turn.objects.get(id=say(chat, "First."))
    planned(chat, "Something later")

    outcome = react(Chronicler(), turn.id)

    assert isinstance(outcome, Done)
    assert "Something later" not in reader.requests[0].prompt_text


def test_who_did_not_see_a_story_event_begin_is_not_told_that_it_did(chat, reader):
    reader.default = answer_json(NOTHING)
    cast, owner = cast_of(chat), owner_of(chat)
    theft = planned(chat, "The vault is robbed")
    scenes.leave(chat, character=cast["Tom"], by=owner)
    record(chat, EventStarted(story_event=theft, triggered_by_assistant_turn_id=reply(chat, "Mara", "I rob it.")))
    scenes.enter(chat, character=cast["Tom"], by=owner)

    react(Chronicler(), reply(chat, "Tom", "A quiet evening."))
    react(Chronicler(), between_the_others(chat, cast["Tom"]))

    quiet, whispered = (request.prompt_text for request in reader.requests)
    assert "The vault is robbed" not in quiet
    assert "The vault is robbed (active)" in whispered


def between_the_others(chat, one: int) -> int:
    scenes.leave(chat, character=one, by=owner_of(chat))
    return reply(chat, "Ilse", "And he knows nothing.")


def test_a_turn_is_read_as_the_story_stood_at_its_place(chat, reader):
    reader.default = answer_json(NOTHING)
    letter = planned(chat)
    turn = say(chat, "A letter?")
    opened = reply(chat, "Mara", "I open it.")
    record(chat, EventStarted(story_event=letter, triggered_by_assistant_turn_id=opened))
    record(chat, EventCompleted(story_event=letter, triggered_by_assistant_turn_id=opened))

    react(Chronicler(), turn)

    assert "Open the sealed letter (planned)" in reader.requests[0].prompt_text


def test_a_reading_rests_on_every_turn_that_the_model_was_shown(chat, reader):
    reader.default = answer_json(NOTHING)
    promise = reply(chat, "Mara", "We shall row out.")
    record(chat, EventPlanned(title="Row out", triggered_by_assistant_turn_id=promise))
    between = [say(chat, "Hm.") for _ in range(turn_page.EARLIER_TURNS)]
    planned(chat)
    turn = say(chat, "Let us row.")

    outcome = react(Chronicler(), turn)

    assert sorted(outcome.turns) == [promise, *between, turn]
