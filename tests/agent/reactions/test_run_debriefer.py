"""The run debriefer: by words and with a model, for each from what it saw, and anew when the scene is another."""

import pytest

from agent.reactions.run_debriefer import RunDebriefer
from agent.subscriptions.base import Done, Skip
from chat.log.models import Event
from chat.story import decisions
from chat.story.fact_models import Decision
from chat.story.fact_payloads import TurnRead
from chat.turns import rewriting, scenes, story_events
from tests.agent.reactions.conftest import close, known, newest, secret_scene
from tests.factories import cast_of, owner_of, say
from tests.facts import react, read, record, regenerate, reply, rewrite, take
from tests.model_server import answer_json

pytestmark = pytest.mark.django_db(transaction=True)


def test_by_words_a_closed_scene_is_debriefed_for_each_from_what_it_saw(chat):
    story_events.plan(chat, title="Find the letter", by=owner_of(chat))
    secret_scene(chat)
    read(chat)

    debrief = Decision.objects.get(context=decisions.RUN_DEBRIEF)

    assert "under the stair" in debrief.body["text"]
    assert known(chat, "Ilse").before == (debrief.body["parts"][str(cast_of(chat)["Ilse"])],)
    assert "under the stair" not in str(known(chat, "Tom"))
    assert "Good evening" in known(chat, "Tom").before[0]


def test_what_the_player_moved_by_hand_in_the_scene_is_debriefed_to_those_who_were_there(chat):
    owner, tom = owner_of(chat), cast_of(chat)["Tom"]
    lamp, boat = (story_events.plan(chat, title=title, by=owner) for title in ("Light the lamp", "Mend the boat"))
    say(chat, "Good evening.")
    story_events.start(chat, story_event=boat, by=owner)
    scenes.leave(chat, character=tom, by=owner)
    story_events.start(chat, story_event=lamp, by=owner)
    closed = close(chat)
    scenes.open_scene(chat, title="The morning after", present=[tom], by=owner)
    story_events.complete(chat, story_event=boat, by=owner)

    read(chat, closed)

    text = Decision.objects.get(context=decisions.RUN_DEBRIEF).body["text"]
    assert "Light the lamp" in text
    assert "Mend the boat" in text
    assert "completed" not in text
    assert "Light the lamp" in known(chat, "Mara").before[0]
    assert "Mend the boat" in known(chat, "Tom").before[0]
    assert "Light the lamp" not in known(chat, "Tom").before[0]


def test_a_model_is_asked_once_for_all_who_saw_the_same(chat, reader):
    first, secret, closed = secret_scene(chat)
    reader.default = answer_json({"happened": "They met.", "open": "The letter."})

    take(chat, react(RunDebriefer(), closed))

    assert len(reader.requests) == 2
    assert sum("under the stair" in request.prompt_text for request in reader.requests) == 1
    debrief = Decision.objects.get()
    assert (debrief.turns, debrief.decided_by, debrief.body["text"]) == (
        [first, secret],
        "scripted",
        "They met. The letter.",
    )


def test_a_debrief_leaves_prompts_when_its_turn_is_rewritten_and_is_made_anew(chat):
    _first, secret, closed = secret_scene(chat)
    read(chat, closed)
    rewritten = rewrite(chat, secret, "Mara", "“Ilse, I burnt the letter.”")
    assert known(chat, "Ilse").before == ()

    read(chat, rewritten)
    read(chat, newest("turn_superseded"))

    assert "burnt" in known(chat, "Ilse").before[0]
    assert Decision.objects.filter(context=decisions.RUN_DEBRIEF).count() == 2


def test_what_is_deleted_leaves_the_debrief_and_what_is_brought_back_stands_in_it_again(chat):
    owner = owner_of(chat)
    _first, secret, closed = secret_scene(chat)
    read(chat, closed)

    rewriting.delete(chat, turn=secret, by=owner)
    read(chat, newest("turn_deleted"))
    assert "under the stair" not in known(chat, "Ilse").before[0]

    rewriting.undelete(chat, turn=secret, by=owner)
    read(chat, newest("turn_restored"))
    assert "under the stair" in known(chat, "Ilse").before[0]


def test_a_scene_is_debriefed_once_for_all_that_was_rewritten_in_it_at_once(chat):
    say(chat, "Well?")
    line = reply(chat, "Mara", "“Hm.”")
    closed = close(chat)
    read(chat, closed)
    regenerate(chat, line)
    read(chat, newest("turn_superseded"))

    rewriting.restore(chat, turn=line, by=owner_of(chat))
    first, second = newest("turn_superseded"), newest("turn_restored")

    assert isinstance(read(chat, first, reactions=[RunDebriefer()])[0], Done)
    assert read(chat, second, reactions=[RunDebriefer()]) == [Skip("debriefed as it stands")]


def test_what_is_read_of_a_scene_after_its_debrief_stands_in_it_too(chat):
    _first, secret, closed = secret_scene(chat)
    read(chat, closed, reactions=[RunDebriefer()])
    assert "under the stair" not in known(chat, "Ilse").before[0]

    read(chat, secret)
    told = newest("turn_read")

    assert isinstance(read(chat, told, reactions=[RunDebriefer()])[0], Done)
    assert "under the stair" in known(chat, "Ilse").before[0]
    assert read(chat, told, reactions=[RunDebriefer()]) == [Skip("debriefed as it stands")]


def test_an_interjection_that_comes_after_the_debrief_stands_in_it_too(chat, reader):
    reader.default = answer_json({"happened": "They met.", "open": ""})
    asked = say(chat, "Well?")
    how = {"group": asked, "interjection_of": cast_of(chat)["Mara"]}
    said, first = reply(chat, "Mara", "“Good evening.”", group=asked), reply(chat, "Ilse", "“Never!”", **how)
    take(chat, react(RunDebriefer(), close(chat)))
    regenerate(chat, said)
    take(chat, react(RunDebriefer(), newest("turn_superseded")))
    late = reply(chat, "Ilse", "“No!”", regenerated_from=first, **how)
    record(chat, TurnRead(turn=late, reader="scripted"))

    take(chat, react(RunDebriefer(), newest("turn_read")))

    assert late in Decision.objects.latest("id").turns
    assert "“No!”" in reader.requests[-1].prompt_text


def test_an_empty_scene_and_an_open_one_are_not_debriefed(chat):
    assert isinstance(react(RunDebriefer(), close(chat)), Skip)
    scenes.open_scene(chat, title="", present=list(cast_of(chat).values()), by=owner_of(chat))
    rewrite(chat, reply(chat, "Mara", "One."), "Mara", "Two.")
    superseded = Event.objects.get(kind="turn_superseded").position

    assert isinstance(react(RunDebriefer(), superseded), Skip)
