import pytest

from agent.models import Attempt
from agent.reactions.chronicler import Chronicler
from agent.subscriptions import seeding
from agent.subscriptions.base import Skip
from chat.log.read import events_of
from chat.story import bonds
from chat.story.fact_models import Memory, Milestone, StoryEvent, StoryTransition, TurnReading
from chat.story.fact_payloads import EventCancelled, EventCompleted, EventPlanned, EventStarted, TurnRead
from chat.turns import rewriting, scenes, story_events
from tests.agent.reactions.conftest import NOTHING, planned
from tests.factories import cast_of, owner_of, say
from tests.facts import react, read, record, regenerate, reply, rewrite, take
from tests.model_behaviours import say as says
from tests.model_server import answer_json

pytestmark = pytest.mark.django_db(transaction=True)

# --- By words ------------------------------------------------------------------------------------------------


def test_by_words_a_story_moves(chat, settings):
    settings.READER = "words"
    letter = planned(chat)

    begun = say(chat, "Ilse, let us open the sealed letter. Thank you, Ilse.")
    done = reply(chat, "Mara", "*She has opened the letter.*")
    read(chat)

    assert list(StoryTransition.objects.order_by("id").values_list("change", "turn")) == [
        ("event_started", begun),
        ("event_completed", done),
    ]
    assert StoryEvent.objects.get(id=letter).because_of == done
    assert Milestone.objects.live().get().turn == done
    assert Memory.objects.filter(witness=cast_of(chat)["Ilse"], turn=begun).exists()
    assert bonds.bonds(chat)[0].level == 1
    assert list(TurnReading.objects.order_by("id").values_list("turn", "reader")) == [
        (begun, "word_reader"),
        (done, "word_reader"),
    ]


def test_a_turn_in_which_nothing_is_found_is_read_all_the_same(chat):
    turn = say(chat, "Hm.")

    outcome = react(Chronicler(), turn)

    assert outcome.payloads() == [TurnRead(turn=turn, reader="word_reader")]


def test_a_turn_that_no_longer_stands_is_skipped(chat):
    turn = reply(chat, "Mara", "“Ilse, never.”")
    rewrite(chat, turn, "Mara", "“Ilse, always.”")

    assert react(Chronicler(), turn) == Skip("superseded meanwhile")


# --- With a model --------------------------------------------------------------------------------------------


def test_what_a_model_finds_is_tagged_with_its_turn(chat, reader):
    letter = planned(chat)
    cast = cast_of(chat)
    turn = reply(chat, "Mara", "*She breaks the seal.*")
    reader.script(
        answer_json(
            {
                "planned": [{"title": "Row to the mainland", "description": "At dawn."}],
                "moved": [{"story_event": letter, "to": "active"}],
                "memories": [{"witness": "ilse", "text": "Mara broke the seal.", "importance": 30}],
                "feelings": [{"character": "Ilse", "toward": "Mara", "change": 5, "why": "relief"}],
            }
        )
    )

    outcome = react(Chronicler(), turn)
    assert outcome.payloads()[0] == EventStarted(story_event=letter, triggered_by_assistant_turn_id=turn)

    take(chat, outcome)
    assert StoryEvent.objects.get(title="Row to the mainland").planned_by == turn
    memory = Memory.objects.get()
    assert (memory.witness, memory.importance, memory.turn) == (cast["Ilse"], 10, turn)
    (bond,) = bonds.bonds(chat)
    assert (bond.character, bond.toward, bond.level) == (cast["Ilse"], cast["Mara"], 2)
    assert TurnReading.objects.get().reader == "scripted"


def test_completed_while_planned_is_written_as_started_and_completed(chat, reader):
    letter = planned(chat)
    turn = say(chat, "It is open.")
    reader.script(answer_json(NOTHING | {"moved": [{"story_event": letter, "to": "completed"}]}))

    payloads = react(Chronicler(), turn).payloads()

    assert payloads[:2] == [
        EventStarted(story_event=letter, triggered_by_user_turn_id=turn),
        EventCompleted(story_event=letter, triggered_by_user_turn_id=turn),
    ]


def test_illegal_transitions_are_dropped_and_noted(chat, reader):
    letter = planned(chat)
    turn = say(chat, "Hm.")
    moved = [
        {"story_event": letter, "to": "cancelled"},
        {"story_event": letter, "to": "active"},
        {"story_event": 999_999, "to": "active"},
    ]
    reader.script(answer_json(NOTHING | {"moved": moved}))

    outcome = react(Chronicler(), turn)

    note = f"dropped: story event {letter} from cancelled to active; no story event 999999"
    assert outcome.note == note
    assert outcome.payloads() == [
        EventCancelled(story_event=letter, triggered_by_user_turn_id=turn),
        TurnRead(turn=turn, reader="scripted", note=note),
    ]


def test_what_the_player_did_by_hand_while_the_model_read_stands(chat, reader):
    letter = planned(chat)
    turn = say(chat, "I break the seal.")
    reader.script(answer_json(NOTHING | {"moved": [{"story_event": letter, "to": "active"}]}))

    outcome = react(Chronicler(), turn)
    story_events.cancel(chat, story_event=letter, by=owner_of(chat))
    take(chat, outcome)

    assert StoryEvent.objects.get(id=letter).status == "cancelled"
    assert f"story event {letter} from cancelled to active" in TurnReading.objects.get().note


def test_too_much_is_cut_to_the_caps(chat, reader):
    scenes.leave(chat, character=cast_of(chat)["Tom"], by=owner_of(chat))
    turn = say(chat, "Hm.")
    reader.script(
        answer_json(
            NOTHING
            | {
                "planned": [{"title": f"Plan {number}", "description": ""} for number in range(5)],
                "memories": [{"witness": "Mara", "text": f"{number}", "importance": 5} for number in range(4)]
                + [{"witness": "Tom", "text": "He was not there.", "importance": 5}],
                "feelings": [{"character": "You", "toward": "Mara", "change": 1, "why": ""}],
            }
        )
    )

    outcome = react(Chronicler(), turn)
    take(chat, outcome)

    assert StoryEvent.objects.count() == 3
    assert Memory.objects.count() == 2
    assert bonds.bonds(chat) == []
    assert "a memory of Tom, who was not there" in outcome.note


def test_an_attempt_keeps_the_tokens_of_all_its_questions(chat, reader, work_off):
    chronicler = Chronicler()
    seeding.register([chronicler])
    turn = say(chat, "Hm.")
    reader.script(says("not JSON at all"), answer_json(NOTHING), *[answer_json({"wrong": 1})] * 6)
    work_off(chronicler)
    bad = say(chat, "Hm?")
    work_off(chronicler)

    done = Attempt.objects.get(event=turn)
    assert (done.outcome, done.prompt_tokens) == ("done", 20)
    assert done.completion_tokens > 0
    assert list(Attempt.objects.filter(event=bad).values_list("outcome", "prompt_tokens")) == [("failed", 20)] * 3


def test_nothing_is_planned_twice(chat, reader):
    planned(chat, "Row out")
    turn = say(chat, "Hm.")
    reader.script(answer_json(NOTHING | {"planned": [{"title": "ROW  out", "description": ""}]}))

    assert [type(one) for one in react(Chronicler(), turn).payloads()] == [TurnRead]


def test_a_restored_turn_that_was_never_read_is_read_then_and_only_then(chat, settings):
    settings.READER = "words"
    turn = reply(chat, "Mara", "“Thank you, Ilse.”")
    new = regenerate(chat, turn)
    read(chat, turn, new)
    assert not TurnReading.objects.filter(turn=turn).exists()

    rewriting.restore(chat, turn=turn, by=owner_of(chat))
    restored = events_of(chat.stream)[-1].position
    read(chat, restored)
    rewriting.restore(chat, turn=new, by=owner_of(chat))
    back = next(event for event in reversed(events_of(chat.stream)) if event.kind == "turn_restored")

    assert TurnReading.objects.filter(turn=turn).count() == 1
    assert isinstance(react(Chronicler(), back.position), Skip)


def test_a_turn_that_was_read_when_it_was_restored_is_not_read_again_when_it_is_redelivered(chat, settings):
    settings.READER = "words"
    turn = reply(chat, "Mara", "“Thank you, Ilse.”")
    regenerate(chat, turn)
    rewriting.restore(chat, turn=turn, by=owner_of(chat))
    restored = next(event for event in reversed(events_of(chat.stream)) if event.kind == "turn_restored")
    read(chat, restored.position)

    assert isinstance(react(Chronicler(), turn), Skip)


def test_a_plan_whose_turn_was_rewritten_while_the_model_read_stays_hidden(chat, reader):
    promise = reply(chat, "Mara", "We shall row out.")
    plan = record(chat, EventPlanned(title="Row out", triggered_by_assistant_turn_id=promise))[0]
    turn = say(chat, "Let us row.")
    reader.script(answer_json(NOTHING | {"moved": [{"story_event": plan, "to": "active"}]}))

    outcome = react(Chronicler(), turn)
    regenerate(chat, promise)
    take(chat, outcome)

    assert not StoryEvent.objects.visible().exists()
    assert TurnReading.objects.get().note == f"dropped: no story event {plan}"
