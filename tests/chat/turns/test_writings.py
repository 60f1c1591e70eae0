"""Editing, deleting and restoring turns."""

import pytest
from django.utils import timezone

from chat.log.read import events_of
from chat.story import rebuild
from chat.story.fact_models import Memory
from chat.story.fact_payloads import EventCompleted, EventStarted, MemoryFormed
from chat.story.models import Chat, Turn
from chat.turns import claims, leases, openers, rewriting
from chat.turns.leases import Settled
from chat.turns.models import Generation
from chat.turns.standing import AnswersNothingError, NotStandingError
from tests.factories import cast_of, make_chat, owner_of, say
from tests.facts import moved, planned, record, regenerate, reply, status, texts

pytestmark = pytest.mark.django_db

State = Generation.State


@pytest.fixture
def chat() -> Chat:
    return make_chat()


def test_an_edit_during_a_rewriting_stands(chat):
    turn = reply(chat, "Mara", "One.")
    claim = claims.claim_rewriting(chat.id, turn=turn, asked_by="user:1", now=timezone.now())
    rewriting.edit(chat, turn=turn, text="Mine.", by=owner_of(chat))

    leases.settle(claim, Settled(state=State.FINISHED, text="The model's."), at=timezone.now())

    assert texts(chat) == ["Mine."]


def test_an_edit_keeps_place_witnesses_and_speaker_and_takes_back_what_was_caused(chat):
    own, answer = say(chat, "Mara?"), None
    answer = reply(chat, "Mara", "One.", group=own)
    story_event = planned(chat)
    record(chat, EventStarted(story_event=story_event, triggered_by_user_turn_id=own))

    edited = rewriting.edit(chat, turn=own, text="  Ilse? ", by=owner_of(chat))
    spoken = rewriting.edit(chat, turn=answer, text="Two.", by=owner_of(chat))

    rows = Turn.objects.in_bulk()
    assert texts(chat) == ["Ilse?", "Two."]
    assert (rows[edited].place, rows[edited].group, rows[edited].kind) == (own, own, "user_turn")
    assert (rows[spoken].speaker, rows[spoken].witnesses) == (rows[answer].speaker, rows[answer].witnesses)
    assert status(story_event) == "planned"
    assert openers.unanswered(Chat.objects.get(id=chat.id)) == []
    assert rewriting.edit(chat, turn=spoken, text="Two.", by=owner_of(chat)) == spoken
    assert {event.actor for event in events_of(chat.stream) if event.position > answer} == {f"user:{chat.owner_id}"}
    for empty in (" ", "\x00", "\ud800 "):
        with pytest.raises(rewriting.EmptyTurnError):
            rewriting.edit(chat, turn=spoken, text=empty, by=owner_of(chat))
    assert rewriting.edit(chat, turn=spoken, text="Two.\x00", by=owner_of(chat)) == spoken


def test_deleting_a_players_turn_takes_its_turn_group_along_and_undeleting_brings_it_back(chat):
    reply(chat, "Ilse", "Before.")
    own = say(chat, "Mara?")
    answer = reply(chat, "Mara", "One.", group=own)
    story_event = planned(chat)
    moved(chat, EventStarted, story_event, answer)

    rewriting.delete(chat, turn=own, by=owner_of(chat))

    fresh = Chat.objects.get(id=chat.id)
    assert (texts(chat), status(story_event)) == (["Before."], "planned")
    assert (fresh.turn_count, fresh.preview) == (1, "Ilse: Before.")
    with pytest.raises(NotStandingError):
        rewriting.delete(chat, turn=own, by=owner_of(chat))
    rewriting.undelete(chat, turn=own, by=owner_of(chat))
    assert (texts(chat), status(story_event)) == (["Before.", "Mara?", "One."], "active")
    assert Chat.objects.get(id=chat.id).turn_count == 3
    with pytest.raises(rewriting.NotDeletedError):
        rewriting.undelete(chat, turn=own, by=owner_of(chat))
    assert rebuild.differences(chat.id) == []


def test_a_deleted_turn_is_not_answered_any_more(chat):
    first = say(chat, "Mara?")
    second = say(chat, "Ilse?")

    rewriting.delete(chat, turn=second, by=owner_of(chat))
    assert [event.position for event in openers.unanswered(Chat.objects.get(id=chat.id))] == [first]
    rewriting.delete(chat, turn=first, by=owner_of(chat))
    assert openers.unanswered(Chat.objects.get(id=chat.id)) == []
    rewriting.undelete(chat, turn=second, by=owner_of(chat))
    assert [event.position for event in openers.unanswered(Chat.objects.get(id=chat.id))] == [second]
    assert rebuild.differences(chat.id) == []


def test_an_interjection_goes_with_its_reply_and_comes_back_with_it(chat):
    cast = cast_of(chat)
    own = say(chat, "Mara?")
    primary = reply(chat, "Mara", "One.", group=own)
    interjection = reply(chat, "Ilse", "“No!”", group=own, interjection_of=cast["Mara"])

    new = regenerate(chat, primary)

    rows = Turn.objects.in_bulk()
    assert texts(chat) == ["Mara?", "Another way."]
    assert (rows[interjection].superseded_by, rows[interjection].went_with) == (new, primary)
    rewriting.restore(chat, turn=primary, by=owner_of(chat))
    assert texts(chat) == ["Mara?", "One.", "“No!”"]
    rewriting.restore(chat, turn=new, by=owner_of(chat))
    assert texts(chat) == ["Mara?", "Another way."]
    assert rebuild.differences(chat.id) == []


def test_an_interjection_comes_back_with_its_reply_wherever_it_has_stood_since(chat):
    cast, owner = cast_of(chat), owner_of(chat)
    own = say(chat, "Mara?")
    primary = reply(chat, "Mara", "One.", group=own)
    interjection = reply(chat, "Ilse", "“No!”", group=own, interjection_of=cast["Mara"])
    story_event = planned(chat)
    moved(chat, EventStarted, story_event, primary)
    moved(chat, EventCompleted, story_event, interjection)
    record(chat, MemoryFormed(witness=cast["Mara"], text="Ilse cried no.", importance=5, turn=interjection))
    new = regenerate(chat, primary, "Two.")
    reply(chat, "Ilse", "“Oh.”", group=own, regenerated_from=interjection, interjection_of=cast["Mara"])
    rewriting.restore(chat, turn=interjection, by=owner)
    assert (texts(chat), status(story_event)) == (["Mara?", "Two.", "“No!”"], "completed")

    rewriting.restore(chat, turn=primary, by=owner)

    assert (texts(chat), status(story_event)) == (["Mara?", "One.", "“No!”"], "completed")
    assert Memory.objects.filter(chat=chat).active().count() == 1
    # Each of them is brought about again by whoever had brought it about.
    rewriting.delete(chat, turn=interjection, by=owner)
    assert status(story_event) == "active"
    rewriting.undelete(chat, turn=interjection, by=owner)
    # It stood with the other too, when that one fell.
    rewriting.restore(chat, turn=new, by=owner)
    assert texts(chat) == ["Mara?", "Two.", "“No!”"]
    assert rebuild.differences(chat.id) == []


@pytest.mark.parametrize("how", [State.FINISHED, State.STOPPED])
def test_an_interjection_whose_reply_falls_while_it_is_rewritten_alone_falls_along(chat, how):
    own = say(chat, "Mara?")
    primary = reply(chat, "Mara", "One.", group=own)
    interjection = reply(chat, "Ilse", "“No!”", group=own, interjection_of=cast_of(chat)["Mara"])
    new = regenerate(chat, primary, "Two.")
    rewriting.restore(chat, turn=primary, by=owner_of(chat))
    claim = claims.claim_rewriting(chat.id, turn=interjection, asked_by="user:1", now=timezone.now())
    rewriting.restore(chat, turn=new, by=owner_of(chat))

    late = leases.settle(claim, Settled(state=how, text="“Late.”"), at=timezone.now())

    assert texts(chat) == ["Mara?", "Two."]
    rewriting.restore(chat, turn=primary, by=owner_of(chat))
    assert texts(chat) == ["Mara?", "One.", "“No!”"]
    rewriting.restore(chat, turn=late, by=owner_of(chat))
    assert texts(chat) == ["Mara?", "One.", "“Late.”"]
    assert rebuild.differences(chat.id) == []


def test_what_was_deleted_after_it_fell_with_its_reply_comes_back_with_it(chat):
    own = say(chat, "Mara?")
    primary = reply(chat, "Mara", "One.", group=own)
    interjection = reply(chat, "Ilse", "“No!”", group=own, interjection_of=cast_of(chat)["Mara"])
    regenerate(chat, primary, "Two.")
    rewriting.restore(chat, turn=interjection, by=owner_of(chat))
    rewriting.delete(chat, turn=interjection, by=owner_of(chat))

    rewriting.restore(chat, turn=primary, by=owner_of(chat))

    assert texts(chat) == ["Mara?", "One.", "“No!”"]


def test_two_interjections_that_stand_after_one_reply_go_and_come_with_it(chat):
    own, to = say(chat, "Mara?"), cast_of(chat)["Mara"]
    primary = reply(chat, "Mara", "One.", group=own)
    first = reply(chat, "Ilse", "“No!”", group=own, interjection_of=to)
    rewriting.delete(chat, turn=first, by=owner_of(chat))
    reply(chat, "Ilse", "“Oh.”", group=own, interjection_of=to)
    rewriting.undelete(chat, turn=first, by=owner_of(chat))

    regenerate(chat, primary, "Two.")
    assert texts(chat) == ["Mara?", "Two."]

    rewriting.restore(chat, turn=primary, by=owner_of(chat))
    assert texts(chat) == ["Mara?", "One.", "“No!”", "“Oh.”"]


def test_a_reply_is_not_brought_back_without_the_players_turn_that_it_answers(chat):
    own = say(chat, "Mara?")
    primary = reply(chat, "Mara", "One.", group=own)
    new = regenerate(chat, primary, "Two.")
    rewriting.delete(chat, turn=own, by=owner_of(chat))

    for bring_back, turn in ((rewriting.restore, primary), (rewriting.restore, new), (rewriting.undelete, new)):
        with pytest.raises(AnswersNothingError):
            bring_back(chat, turn=turn, by=owner_of(chat))

    assert texts(chat) == []
    rewriting.undelete(chat, turn=own, by=owner_of(chat))
    rewriting.restore(chat, turn=primary, by=owner_of(chat))
    assert texts(chat) == ["Mara?", "One."]


def test_an_interjection_is_not_brought_back_without_the_reply_before_it(chat):
    own = say(chat, "Mara?")
    primary = reply(chat, "Mara", "One.", group=own)
    interjection = reply(chat, "Ilse", "“No!”", group=own, interjection_of=cast_of(chat)["Mara"])
    rewriting.delete(chat, turn=interjection, by=owner_of(chat))
    rewriting.delete(chat, turn=primary, by=owner_of(chat))

    for bring_back in (rewriting.restore, rewriting.undelete):
        with pytest.raises(AnswersNothingError):
            bring_back(chat, turn=interjection, by=owner_of(chat))

    rewriting.undelete(chat, turn=primary, by=owner_of(chat))
    rewriting.undelete(chat, turn=interjection, by=owner_of(chat))
    assert texts(chat) == ["Mara?", "One.", "“No!”"]


def test_what_answers_no_players_turn_can_be_brought_back_at_any_time(chat):
    greeting = reply(chat, "Mara", "“Welcome.”")
    rewriting.delete(chat, turn=greeting, by=owner_of(chat))

    rewriting.undelete(chat, turn=greeting, by=owner_of(chat))

    assert texts(chat) == ["“Welcome.”"]


def test_the_order_stays_when_turn_2_of_10_is_rewritten(chat):
    turns = [reply(chat, "Mara", f"{number}.") for number in range(1, 11)]

    regenerate(chat, turns[1], "Another.")

    assert texts(chat) == ["1.", "Another.", *(f"{number}." for number in range(3, 11))]
    assert Chat.objects.get(id=chat.id).preview == "Mara: 10."
