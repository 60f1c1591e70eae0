import pytest

from agent.reactions.caution_drafter import CautionDrafter
from agent.reactions.run_debriefer import RunDebriefer
from agent.subscriptions.base import Done, Skip
from chat.log.models import Event
from chat.story import decisions
from chat.story.fact_models import Decision
from chat.story.fact_payloads import TurnRead
from chat.story.known import known_to
from chat.story.models import Chat
from chat.turns import cautions, rewriting, scenes, story_events
from tests.factories import cast_of, make_user, owner_of, say
from tests.facts import react, read, record, regenerate, reply, rewrite, take
from tests.model_server import answer_json

pytestmark = pytest.mark.django_db(transaction=True)


def close(chat):
    scenes.close_scene(Chat.objects.get(id=chat.id), by=owner_of(chat))
    return newest("scene_closed")


def newest(kind):
    return Event.objects.filter(kind=kind).latest("position").position


def known(chat, name, **how):
    return known_to(chat, cast_of(chat)[name], **{"about": "", "tokens": 500} | how)


def secret_scene(chat):
    """Tom leaves, something is said, Tom comes back."""
    owner, tom = owner_of(chat), cast_of(chat)["Tom"]
    first = say(chat, "Good evening, Tom.")
    scenes.leave(chat, character=tom, by=owner)
    secret = reply(chat, "Mara", "“Ilse, the letter is under the stair. I swear.”")
    scenes.enter(chat, character=tom, by=owner)
    return first, secret, close(chat)


# --- The run debriefer ---------------------------------------------------------------------------------------


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
    assert ("Light the lamp" in text, "Mend the boat" in text, "completed" in text) == (True, True, False)
    assert "Light the lamp" in known(chat, "Mara").before[0]
    tom_knows = known(chat, "Tom").before[0]
    assert ("Mend the boat" in tom_knows, "Light the lamp" in tom_knows) == (True, False)


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


# --- The caution drafter -------------------------------------------------------------------------------------

CAUTION = {
    "needed": True,
    "text": "Tom does not know of the letter.",
    "audience": ["Ilse", "Tom"],
    "reasoning": "He was out.",
}


def test_the_word_reader_decides_that_no_caution_is_needed(chat):
    *_, closed = secret_scene(chat)

    take(chat, react(CautionDrafter(), closed))

    assert Decision.objects.get().choice == decisions.NO_ACTION


def test_a_caution_is_for_those_who_saw_all_of_it_and_only_once_it_is_promoted(chat, reader):
    owner = owner_of(chat)
    *_, closed = secret_scene(chat)
    reader.default = answer_json(CAUTION)
    take(chat, react(CautionDrafter(), closed))
    drafted = Decision.objects.get()

    assert drafted.body["audience"] == [cast_of(chat)["Ilse"]]
    assert known(chat, "Ilse").cautions == ()

    cautions.promote(chat, caution=drafted.id, by=owner)
    assert known(chat, "Ilse").cautions == ("Tom does not know of the letter.",)
    assert known(chat, "Tom").cautions == known(chat, "Mara").cautions == ()
    assert known(chat, "Ilse", before=drafted.place).cautions == ()

    cautions.decline(chat, caution=drafted.id, by=owner)
    assert known(chat, "Ilse").cautions == ()


def test_a_promoted_caution_leaves_prompts_with_its_turn(chat, reader):
    _first, secret, closed = secret_scene(chat)
    reader.default = answer_json(CAUTION)
    take(chat, react(CautionDrafter(), closed))
    drafted = Decision.objects.get().id
    cautions.promote(chat, caution=drafted, by=owner_of(chat))

    rewrite(chat, secret, "Mara", "“Nothing.”")

    assert known(chat, "Ilse").cautions == ()
    cautions.decline(chat, caution=drafted, by=owner_of(chat))
    with pytest.raises(cautions.StaleCautionError):
        cautions.promote(chat, caution=drafted, by=owner_of(chat))


def test_a_caution_is_made_anew_once_when_turns_that_it_was_made_from_are_deleted(chat, reader):
    owner = owner_of(chat)
    first = say(chat, "Good evening.")
    second = say(chat, "Is anybody there?")
    told = reply(chat, "Mara", "“The letter is under the stair.”")
    closed = close(chat)
    reader.default = answer_json(CAUTION)
    take(chat, react(CautionDrafter(), closed))
    later = say(chat, "What was that?")

    rewriting.delete(chat, turn=first, by=owner)
    [gone] = read(chat, newest("turn_deleted"), reactions=[CautionDrafter()])

    assert isinstance(gone, Done)
    anew = Decision.objects.latest("id")
    assert (anew.choice, anew.turns) == (decisions.CAUTION_DRAFTED, [second, told])
    assert "Good evening" not in reader.requests[-1].prompt_text
    rewriting.delete(chat, turn=second, by=owner)
    [once] = read(chat, newest("turn_deleted"), reactions=[CautionDrafter()])
    assert isinstance(once, Done)
    assert len(once.payloads) == 1
    rewriting.delete(chat, turn=told, by=owner)
    rewriting.delete(chat, turn=later, by=owner)
    assert read(chat, newest("turn_deleted"), reactions=[CautionDrafter()]) == [Skip("nothing stands here to look at")]


def test_a_caution_is_made_anew_from_all_it_was_made_from_when_one_turn_is_rewritten(chat, reader):
    first, secret, closed = secret_scene(chat)
    reader.default = answer_json(CAUTION)
    take(chat, react(CautionDrafter(), closed))

    rewrite(chat, secret, "Mara", "“Ilse, I burnt it.”")
    superseded = newest("turn_superseded")
    read(chat, superseded, reactions=[CautionDrafter()])

    anew = Decision.objects.latest("id")
    assert anew.turns[0] == first
    assert secret not in anew.turns
    assert len(anew.turns) == 2
    assert "I burnt it" in reader.requests[-1].prompt_text
    assert read(chat, superseded, reactions=[CautionDrafter()]) == [Skip("nothing stands here to look at")]


def test_a_reply_that_is_rewritten_with_its_interjection_is_looked_at_once(chat, reader):
    own = say(chat, "Who has the letter?")
    primary = reply(chat, "Mara", "“I have.”", group=own)
    reply(chat, "Ilse", "“She lies!”", group=own, interjection_of=cast_of(chat)["Mara"])
    reader.default = answer_json(CAUTION)
    regenerate(chat, primary, "“Nobody has.”")
    superseded = Event.objects.filter(kind="turn_superseded").order_by("position").values_list("position", flat=True)

    assert len(superseded) == 2
    outcomes = [read(chat, one, reactions=[CautionDrafter()])[0] for one in superseded]

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Done", "Skip"]
    assert len(reader.requests) == 1


def test_a_declined_caution_is_not_made_anew(chat, reader):
    first, _secret, closed = secret_scene(chat)
    reader.default = answer_json(CAUTION)
    take(chat, react(CautionDrafter(), closed))
    cautions.decline(chat, caution=Decision.objects.get().id, by=owner_of(chat))

    rewriting.delete(chat, turn=first, by=owner_of(chat))

    assert isinstance(react(CautionDrafter(), newest("turn_deleted")), Skip)


def test_only_the_owner_decides_on_a_caution(chat):
    with pytest.raises(cautions.NotTheOwnerError):
        cautions.promote(chat, caution=1, by=make_user())
    with pytest.raises(cautions.NoSuchCautionError):
        cautions.promote(chat, caution=1, by=owner_of(chat))
