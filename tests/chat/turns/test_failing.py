"""Exchanges in which something fails: the model, the connection, the process, the player's patience."""

import asyncio
import threading
from datetime import timedelta
from random import Random

import pytest
from django.utils import timezone

from chat.database import in_thread
from chat.turns import claims, exchange, generation, leases
from chat.turns.announce import Chunk, Ended
from chat.turns.models import Generation
from chat.turns.transcript import pending_notice
from tests import factories
from tests.factories import owner_of
from tests.heard import Heard, live, post
from tests.model_server import drop, refused, say, server_error, stall

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("fault", [server_error(), refused(404, "no such model"), drop(after=0)])
async def test_a_failure_stands_in_place_and_can_be_tried_again(server, chat, fault):
    heard = Heard()
    server.script(fault, say("“At last.”"))

    await post(chat, "Ilse?", heard)
    (ended,) = await heard.until(Ended)
    notice = await in_thread(pending_notice, chat)
    assert notice.error == ended.error != ""

    await exchange.retry(chat, user=await in_thread(owner_of, chat), announcer=heard)
    await heard.until(Ended, 2)
    assert await live(chat) == [("You", "Ilse?", "complete"), ("Ilse", "“At last.”", "complete")]
    await generation.idle()  # until it is decided that nobody speaks up
    assert await in_thread(pending_notice, chat) is None


async def test_a_connection_lost_in_mid_reply_keeps_the_text_as_interrupted(server, chat):
    heard = Heard()
    server.script(drop(after=3))

    await post(chat, "Ilse?", heard)
    await heard.until(Ended)

    assert (await live(chat))[-1] == ("Ilse", "one two three", "interrupted")


async def test_a_reply_without_a_word_is_a_failure(server, chat):
    heard = Heard()
    server.script(say("Mara: “I speak for her.”"))

    await post(chat, "Ilse?", heard)
    (ended,) = await heard.until(Ended)

    assert ended.state == "failed"
    assert "wrote nothing" in ended.error


async def test_a_models_nul_is_no_loss(server, chat):
    heard = Heard()
    server.script(say("“I\x00 know.”"))

    await post(chat, "Ilse?", heard)
    await heard.until(Ended)

    assert (await live(chat))[-1] == ("Ilse", "“I know.”", "complete")


async def test_shutting_down_settles_with_all_the_text(server, chat, monkeypatch):
    monkeypatch.setattr(generation, "_closing", False)  # to be put back: this process goes on
    heard = Heard()
    server.script(stall(after=4))
    await post(chat, "Ilse?", heard)
    await heard.until(Chunk, 4)

    await generation.shut_down()

    assert (await live(chat))[-1] == ("Ilse", "one two three four", "interrupted")
    assert generation.in_flight_tasks == {}


async def test_the_sweep_settles_a_dead_processs_reply_and_answers_what_waits(server, chat):
    heard = Heard()
    await in_thread(factories.say, chat, "Ilse?")
    dead = await in_thread(claims.claim_reply, chat.id, now=timezone.now(), rng=Random(1))
    await in_thread(leases.checkpoint, dead.generation, "“I was say")
    await in_thread(factories.say, chat, "Are you there, Mara?")
    await Generation.objects.aupdate(leased_until=timezone.now() - timedelta(seconds=1))

    assert await exchange.sweep(heard) == 1
    await heard.until(Ended, 2)

    assert await live(chat) == [
        ("You", "Ilse?", "complete"),
        ("You", "Are you there, Mara?", "complete"),
        ("Ilse", "“I was say", "interrupted"),
        ("Mara", "I hear you.", "complete"),
    ]


async def test_a_player_who_hangs_up_at_once_is_answered_all_the_same(server, chat):
    heard = Heard()
    await in_thread(factories.say, chat, "Ilse?")

    asking = generation.spawn(exchange.answer(chat.id, heard))
    await asyncio.sleep(0)
    asking.cancel()

    (ended,) = await heard.until(Ended)
    assert ended.state == "finished"


async def test_the_sweep_leaves_a_reply_of_this_process_alone(server, chat):
    heard, gate = Heard(), threading.Event()
    server.script(say("One two", gate=gate))
    await post(chat, "Ilse?", heard)
    await heard.until(Chunk)
    await Generation.objects.aupdate(leased_until=timezone.now() - timedelta(seconds=1))

    assert await exchange.sweep(heard) == 0
    gate.set()

    (ended,) = await heard.until(Ended)
    assert ended.state == "finished"
