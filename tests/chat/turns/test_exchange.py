"""Whole exchanges against a scripted model server over real HTTP."""

import threading

import pytest

from chat.database import in_thread
from chat.log.append import KeyReusedError
from chat.story import rebuild
from chat.story.models import Chat, Turn
from chat.turns import exchange, generation, scenes
from chat.turns.announce import Chunk, Ended, Started
from chat.turns.limits import TooManyTurnsError
from chat.turns.models import Generation
from chat.turns.transcript import pending_notice
from tests.factories import cast_of, owner_of
from tests.heard import Heard, live, post
from tests.model_server import nothing, say, stall

pytestmark = pytest.mark.django_db(transaction=True)


async def test_an_exchange_is_recorded_streamed_and_settled(server, chat):
    heard = Heard()
    server.script(say("Ilse: “I kept it *safe*.”"))

    await post(chat, "Where is the letter, Ilse?", heard)
    (ended,) = await heard.until(Ended)

    assert heard.text == "“I kept it *safe*.”"
    assert await live(chat) == [
        ("You", "Where is the letter, Ilse?", "complete"),
        ("Ilse", "“I kept it *safe*.”", "complete"),
    ]
    assert [type(one) for one in heard.news[:2]] == [Started, Chunk]
    assert ended.state == "finished"
    offsets = [(chunk.seq, chunk.offset) for chunk in heard.of(Chunk)]
    assert offsets == [(n, sum(len(c.text) for c in heard.of(Chunk)[: n - 1])) for n in range(1, len(offsets) + 1)]
    await generation.idle()
    assert generation.in_flight_tasks == {}
    assert await in_thread(rebuild.differences, chat.id) == []


async def test_what_was_sent_can_be_read_afterwards(server, chat):
    heard = Heard()

    await post(chat, "Ilse?", heard)
    await heard.until(Ended)

    kept = await Generation.objects.aget(follows=None)
    assert kept.prompt["messages"] == server.requests[0].body["messages"]
    assert (kept.model, kept.state) == ("scripted", "finished")
    assert kept.first_token_ms is not None
    assert kept.duration_ms >= kept.first_token_ms
    assert kept.completion_tokens


async def test_a_reply_ends_where_it_begins_to_speak_for_another(server, chat):
    heard = Heard()
    server.script(say("“Go.”\n\nMara: “No.” " + "x " * 50, delay=0.005))

    await post(chat, "Ilse?", heard)
    await heard.until(Ended)

    assert (await live(chat))[-1] == ("Ilse", "“Go.”", "complete")
    assert "Mara" not in heard.text


async def test_stop_keeps_the_text_so_far_and_closes_the_upstream_connection(server, chat):
    heard, gate = Heard(), threading.Event()
    server.script(say("One two three", gate=gate))

    await post(chat, "Ilse?", heard)
    await heard.until(Chunk)
    assert chat.id in generation.in_flight_tasks
    assert await exchange.stop(chat) is True

    await in_thread(server.wait_for_disconnect)
    assert (await live(chat))[-1] == ("Ilse", "One", "stopped")
    assert generation.in_flight_tasks == {}
    assert await exchange.stop(chat) is False


async def test_stop_works_before_the_first_token(server, chat):
    heard = Heard()
    server.script(nothing())

    await post(chat, "Ilse?", heard)
    await in_thread(server.wait_for_request)
    await exchange.stop(chat)

    (ended,) = heard.of(Ended)
    assert (ended.state, ended.turn) == ("stopped", None)
    assert [text for _, text, _ in await live(chat)] == ["Ilse?"]
    assert (await in_thread(pending_notice, chat)).state == "stopped"

    await exchange.retry(chat, user=await in_thread(owner_of, chat), announcer=heard)
    await heard.until(Ended, 2)
    await generation.idle()  # until it is decided that nobody speaks up
    assert await in_thread(pending_notice, chat) is None


async def test_a_stop_asked_for_in_another_process_is_obeyed(server, chat):
    heard = Heard()
    server.script(stall(after=2))
    await post(chat, "Ilse?", heard)
    await heard.until(Chunk)

    await Generation.objects.aupdate(stop_requested_at="2026-01-01T00:00:00Z")
    generation.heard(chat.id)

    (ended,) = await heard.until(Ended)
    assert ended.state == "stopped"


async def test_a_turn_posted_while_a_reply_runs_is_recorded_at_once_and_answered_afterwards(server, chat):
    heard, gate = Heard(), threading.Event()
    server.script(say("First reply", gate=gate), say("Second reply"))
    await post(chat, "One, Ilse", heard)
    await heard.until(Chunk)

    await post(chat, "Two", heard)
    await post(chat, "Three, Mara", heard)
    assert [text for _, text, _ in await live(chat)] == ["One, Ilse", "Two", "Three, Mara"]
    gate.set()
    await heard.until(Ended, 2)

    assert len(server.requests) == 2
    assert server.requests[1].prompt_text.endswith("Ilse: First reply")
    assert [text for _, text, _ in await live(chat)][-2:] == ["First reply", "Second reply"]


async def test_a_key_posted_twice_gives_one_turn_and_one_reply(server, chat):
    heard = Heard()

    first = await post(chat, "Ilse?", heard, key="a")
    await heard.until(Ended)
    again = await post(chat, "Ilse?", heard, key="a")

    assert (again.turn_id, again.repeated) == (first.turn_id, True)
    assert len(server.requests) == 1
    with pytest.raises(KeyReusedError):
        await post(chat, "Something else", heard, key="a")


async def test_what_was_taken_is_not_refused_when_it_is_posted_again(server, chat, settings):
    heard = Heard()
    owner, ilse = await in_thread(owner_of, chat), (await in_thread(cast_of, chat))["Ilse"]
    first = await post(chat, "Well?", heard, speaker=ilse, key="a")
    await post(chat, "", heard, key="b")
    await heard.until(Ended, 2)
    await in_thread(scenes.close_scene, chat, by=owner)
    settings.TURNS_PER_MINUTE = 1
    now = await Chat.objects.aget(id=chat.id)

    again = [await post(now, "Well?", heard, speaker=ilse, key="a") for _ in range(2)]

    assert again == [exchange.Posted(first.turn_id, repeated=True)] * 2
    assert (await post(now, "", heard, key="b")).repeated
    with pytest.raises(TooManyTurnsError):
        await post(now, "", heard, key="c")


async def test_an_empty_send_lets_someone_go_on(server, chat):
    heard = Heard()

    posted = await post(chat, "  ", heard)
    await heard.until(Ended)

    assert posted.turn_id is None
    assert len(await live(chat)) == 1


async def test_the_player_picks_who_speaks(server, chat):
    heard = Heard()
    mara = (await in_thread(cast_of, chat))["Mara"]

    await post(chat, "Ilse?", heard, speaker=mara)
    await heard.until(Ended)

    assert (await live(chat))[-1][0] == "Mara"


async def test_whoever_is_not_in_the_scene_cannot_be_picked(server, chat):
    cast, owner = await in_thread(cast_of, chat), await in_thread(owner_of, chat)
    await in_thread(scenes.leave, chat, character=cast["Mara"], by=owner)
    await chat.arefresh_from_db()

    with pytest.raises(exchange.AbsentSpeakerError):
        await post(chat, "Mara?", Heard(), speaker=cast["Mara"])


async def test_a_prompt_holds_only_what_its_speaker_witnessed(server, chat):
    heard = Heard()
    cast, owner = await in_thread(cast_of, chat), await in_thread(owner_of, chat)
    await in_thread(scenes.leave, chat, character=cast["Ilse"], by=owner)
    await chat.arefresh_from_db()
    await post(chat, "Mara, the letter is forged.", heard)
    await heard.until(Ended)
    await in_thread(scenes.enter, chat, character=cast["Ilse"], by=owner)

    await post(chat, "Good evening, Ilse.", heard)
    await heard.until(Ended, 2)

    assert "forged" not in server.requests[1].prompt_text
    assert "Good evening, Ilse." in server.requests[1].prompt_text


async def test_nothing_is_recorded_of_a_refused_turn(server, chat, settings):
    heard = Heard()
    with pytest.raises(exchange.UnknownSpeakerError):
        await post(chat, "Hm", heard, speaker=999)
    settings.TURNS_PER_MINUTE = 1
    with pytest.raises(exchange.TurnTooLongError):
        await post(chat, "x" * 20_001, heard)
    with pytest.raises(TooManyTurnsError):
        await post(chat, "Hm", heard)

    assert await Turn.objects.acount() == 0
