"""A silent witness speaks up after a reply, against a scripted model server over real HTTP."""

import threading

import pytest
from django.test import Client

from chat.database import in_thread
from chat.story import rebuild
from chat.story.models import Chat, Turn
from chat.turns import chats, exchange, generation, regenerate, rewriting, scenes, silent_witnesses
from chat.turns.announce import Chunk, Deciding, Ended, Started
from chat.turns.models import Generation
from tests.factories import cast_of, make_chat, owner_of
from tests.heard import Heard, live, post
from tests.model_server import answer_json, nothing, say, server_error, stall

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reader(server, settings):
    """The same server is asked whether somebody speaks up."""
    settings.READER_URL, settings.READER_MODEL = server.url, "reader"
    return server


def yes(who: str = "Mara", why: str = "She cannot let that stand."):
    return answer_json({"interject": True, "who": who, "why": why})


NO = answer_json({"interject": False, "who": "", "why": "Nothing to add."})


async def spoken(chat: Chat) -> list[tuple[str, str, int | None]]:
    turns = await in_thread(lambda: list(chat.turns.live().in_story_order()))
    return [(turn.speaker_name, turn.text, turn.interjection_of) for turn in turns]


async def why_page(chat: Chat, turn: int) -> str:
    client, owner = Client(), await in_thread(owner_of, chat)
    await in_thread(client.force_login, owner)
    page = await in_thread(client.get, f"/chats/{chat.id}/turns/{turn}/why/")
    return " ".join(page.content.decode().split())


async def set_eagerness(chat: Chat, eagerness: str) -> None:
    owner = await in_thread(owner_of, chat)
    await in_thread(chats.set_interjections, chat, eagerness=eagerness, by=owner)


async def test_an_interjection_falls_with_its_reply_when_another_writing_of_it_was_brought_back_meanwhile(reader, chat):
    heard, gate = Heard(), threading.Event()
    reader.script(say("“I never had it.”"), NO)
    await post(chat, "Where is the letter, Ilse?", heard)
    (first, _) = await heard.until(Ended, 2)
    reader.script(say("“I burnt it.”"), yes(), say("“She is lying.”", gate=gate))
    owner = await in_thread(owner_of, chat)
    await regenerate.regenerate_assistant_turn(chat, turn=first.turn, user=owner, announcer=heard)
    await heard.until(Started, 3)

    await in_thread(lambda: rewriting.restore(chat, turn=first.turn, by=owner))
    gate.set()
    *_, second, _ = await heard.until(Ended, 4)

    assert [text for _, text, _ in await spoken(chat)] == ["Where is the letter, Ilse?", "“I never had it.”"]
    await in_thread(lambda: rewriting.restore(chat, turn=second.turn, by=owner))
    assert [text for _, text, _ in await spoken(chat)][1:] == ["“I burnt it.”", "“She is lying.”"]
    assert await in_thread(rebuild.differences, chat.id) == []


async def test_a_silent_witness_speaks_up_after_the_primary_reply(reader, chat):
    heard, cast = Heard(), await in_thread(cast_of, chat)
    reader.script(say("“I never had it.”"), yes(), say("“She is lying.”"))

    posted = await post(chat, "Where is the letter, Ilse?", heard)
    await heard.until(Ended, 2)

    assert await spoken(chat) == [
        ("You", "Where is the letter, Ilse?", None),
        ("Ilse", "“I never had it.”", None),
        ("Mara", "“She is lying.”", cast["Ilse"]),
    ]
    groups = await in_thread(lambda: set(chat.turns.values_list("group", flat=True)))
    assert groups == {posted.turn_id}
    assert [type(one) for one in heard.news if not isinstance(one, Chunk)] == [Started, Ended, Deciding, Started, Ended]
    assert heard.of(Deciding)[0].witnesses == ["Mara"]
    assert heard.of(Deciding)[0].generation == heard.of(Started)[1].generation
    assert "Ilse: “I never had it.”" in reader.requests[2].prompt_text
    assert generation.in_flight_tasks == {}
    assert await in_thread(rebuild.differences, chat.id) == []


async def test_nobody_speaks_up_when_the_classifier_says_no(reader, chat):
    heard = Heard()
    reader.script(say("“Never.”"), NO)

    await post(chat, "Ilse?", heard)
    _, ended = await heard.until(Ended, 2)

    assert (ended.state, ended.turn) == ("nobody", None)
    assert [name for name, _, _ in await live(chat)] == ["You", "Ilse"]
    assert "Nobody did. “Nothing to add.”" in await why_page(chat, (await Turn.objects.alatest("id")).id)


@pytest.mark.parametrize("trouble", [server_error(), answer_json({"interject": True, "who": "Zoe", "why": ""})])
async def test_a_classifier_that_fails_means_nobody_and_why_says_so(reader, chat, trouble):
    heard = Heard()
    reader.script(say("“Never.”"), trouble, trouble)

    await post(chat, "Ilse?", heard)
    _, ended = await heard.until(Ended, 2)

    assert ended.state == "nobody"
    assert "It could not be decided" in await why_page(chat, (await Turn.objects.alatest("id")).id)


async def test_a_classifier_that_takes_too_long_is_not_waited_for(reader, chat, settings):
    settings.INTERJECTION_SECONDS = 0.1
    heard = Heard()
    reader.script(say("“Never.”"), nothing())

    await post(chat, "Ilse?", heard)
    await heard.until(Ended, 2)

    assert len(await live(chat)) == 2
    assert "more than 0.1 seconds" in await why_page(chat, (await Turn.objects.alatest("id")).id)


async def test_stop_while_it_is_being_decided_means_that_nobody_speaks_up(reader, chat):
    heard = Heard()
    reader.script(say("“Never.”"), nothing())
    await post(chat, "Ilse?", heard)
    await heard.until(Deciding)
    await in_thread(reader.wait_for_request, 2)

    assert chat.id in generation.in_flight_tasks
    assert await exchange.stop(chat) is True

    assert (await heard.until(Ended, 2))[1].state == "nobody"
    assert len(await live(chat)) == 2
    assert generation.in_flight_tasks == {}


async def test_stop_while_the_interjection_is_spoken_keeps_its_text(reader, chat):
    heard, gate = Heard(), threading.Event()
    reader.script(say("Never."), yes(), say("One two three", gate=gate))
    await post(chat, "Ilse?", heard)
    await heard.until(Chunk, 2)

    await exchange.stop(chat)

    assert (await live(chat))[-1] == ("Mara", "One", "stopped")
    assert generation.in_flight_tasks == {}


async def test_what_is_posted_while_it_is_being_decided_is_recorded_at_once_and_answered_after(reader, chat):
    heard, gate = Heard(), threading.Event()
    reader.script(say("First."), yes(), say("Up. Up.", gate=gate), say("Second."), NO)
    await post(chat, "One, Ilse", heard)
    await heard.until(Started, 2)

    await post(chat, "Two, Ilse", heard)
    assert "Two, Ilse" in [text for _, text, _ in await live(chat)]
    gate.set()
    await heard.until(Ended, 4)

    assert [text for _, text, _ in await live(chat)] == ["One, Ilse", "First.", "Two, Ilse", "Up. Up.", "Second."]


async def test_a_process_that_died_while_it_was_being_decided_counts_as_nobody(reader, chat):
    heard = Heard()
    reader.script(say("Never."), nothing())
    await post(chat, "Ilse?", heard)
    await heard.until(Deciding)
    await in_thread(reader.wait_for_request, 2)
    lost = generation.in_flight_tasks.pop(chat.id)
    await Generation.objects.filter(state="running").aupdate(leased_until="2026-01-01T00:00:00Z")

    await exchange.sweep(heard)

    assert (await Generation.objects.alatest("started_at")).state == "nobody"
    assert heard.of(Ended)[-1].state == "nobody"
    assert len(await live(chat)) == 2
    lost.end_stream(Generation.State.INTERRUPTED)
    await generation.settled(lost)
    with pytest.raises(exchange.NothingToRetryError):
        await exchange.retry(chat, user=await in_thread(owner_of, chat), announcer=heard)


async def test_an_interjection_that_is_cut_off_is_retried_in_its_place(reader, chat):
    heard, cast = Heard(), await in_thread(cast_of, chat)
    reader.script(say("Never."), yes(), stall(after=2), say("Now whole."))
    await post(chat, "Ilse?", heard)
    await heard.until(Chunk, 3)
    await exchange.stop(chat)

    await exchange.retry(chat, user=await in_thread(owner_of, chat), announcer=heard)
    await heard.until(Ended, 3)

    assert (await spoken(chat))[-1] == ("Mara", "Now whole.", cast["Ilse"])
    assert len(reader.requests) == 4, "nobody is asked after an interjection"


async def test_only_silent_witnesses_are_asked_about_and_shown_only_what_all_of_them_saw(reader, settings):
    chat = await in_thread(make_chat, names=("Mara", "Ilse", "Tom"))
    heard, cast, owner = Heard(), await in_thread(cast_of, chat), await in_thread(owner_of, chat)
    await set_eagerness(chat, "off")
    await in_thread(scenes.leave, chat, character=cast["Tom"], by=owner)
    await chat.arefresh_from_db()
    await post(chat, "The letter is forged, Mara.", heard)
    await heard.until(Ended)
    await generation.idle()  # else it is still to be looked at whether anybody is asked
    await set_eagerness(chat, "normal")
    await in_thread(scenes.enter, chat, character=cast["Tom"], by=owner)
    await chat.arefresh_from_db()
    reader.script(say("Good evening."), NO)

    await post(chat, "Good evening, Ilse.", heard)
    await heard.until(Ended, 3)

    asked = reader.requests[-1].prompt_text
    assert heard.of(Deciding)[0].witnesses == ["Mara", "Tom"]
    assert "forged" not in asked
    assert "You: Good evening, Ilse." in asked


async def test_nobody_is_asked_where_interjections_are_switched_off(reader, chat):
    heard = Heard()
    await set_eagerness(chat, "off")

    await post(chat, "Mara, Ilse?", heard)
    await heard.until(Ended)
    await post(chat, "Mara, Ilse?", heard)
    await heard.until(Ended, 2)

    assert len(reader.requests) == 2


async def test_without_a_reader_a_witness_who_is_named_speaks_up(server, chat):
    heard = Heard()
    server.script(say("“Ask Ilse.”"), say("“Do not ask me.”"))

    await post(chat, "Well, Mara?", heard)
    await heard.until(Ended, 2)

    assert [name for name, _, _ in await live(chat)] == ["You", "Mara", "Ilse"]
    assert heard.of(Deciding) == []


@pytest.mark.parametrize(
    ("eagerness", "said", "reply", "who"),
    [
        ("normal", "Mara and Ilse?", "Yes.", "Ilse"),
        ("normal", "Mara?", "Ilse knows.", "Ilse"),
        ("normal", "Mara?", "Yes.", None),
        ("rarely", "Mara and Ilse?", "Yes.", None),
        ("rarely", "Mara and Ilse?", "Ilse knows.", "Ilse"),
        ("eager", "Mara?", "Yes.", "Tom"),
    ],
)
def test_by_words_whoever_is_named_speaks_up(eagerness, said, reply, who):
    turns = [Turn(id=1, text=said, group=1), Turn(id=2, text=reply, group=1, speaker=9)]
    witnesses = (
        silent_witnesses.Card(id=7, name="Ilse", talkativeness=0.2),
        silent_witnesses.Card(id=8, name="Tom", talkativeness=0.9),
    )
    question = silent_witnesses.Question(witnesses=witnesses, reply=turns[1], lines=(turns[0],), eagerness=eagerness)

    found = silent_witnesses.by_words(question).who

    assert (found.name if found else None) == who
