"""The caution drafter: for whom a caution is, how long it holds, and who decides on it."""

import pytest

from agent.reactions.caution_drafter import CautionDrafter
from agent.subscriptions.base import Done, Skip
from chat.log.models import Event
from chat.story import decisions
from chat.story.fact_models import Decision
from chat.turns import cautions, rewriting
from tests.agent.reactions.conftest import close, known, newest, secret_scene
from tests.factories import cast_of, make_user, owner_of, say
from tests.facts import react, read, regenerate, reply, rewrite, take
from tests.model_server import answer_json

pytestmark = pytest.mark.django_db(transaction=True)

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
