"""The bell says how far, never fails, and costs a player nothing when the broker is dead."""

import asyncio
import threading
import time

import pytest

from chat.log import bell
from chat.log.bell import Ring
from chat.story.models import Chat
from tests.factories import make_chat, say
from tests.servers import Valkey


@pytest.fixture(autouse=True)
def fresh_bell(monkeypatch):
    """No client, breaker or listener of an earlier test."""
    monkeypatch.setattr(bell, "_client", None)
    monkeypatch.setattr(bell, "_open_until", 0.0)
    monkeypatch.setattr(bell, "_here", [])
    yield
    if bell._client is not None:
        bell._client.close()


@pytest.fixture
def broker(own_valkey: Valkey, settings) -> Valkey:
    settings.REDIS_URL = own_valkey.url
    return own_valkey


async def first(stream: str) -> Ring:
    async for ring in bell.rings():
        if ring.stream == stream:
            return ring
    raise AssertionError


async def ring_until_heard(listening: asyncio.Task[Ring], ring: Ring) -> Ring:
    """Subscribing takes a moment, and rings before it are lost: ring again."""
    async with asyncio.timeout(20):
        while not listening.done():
            await asyncio.to_thread(bell.ring, ring.stream, ring.head)
            await asyncio.wait({listening}, timeout=0.05)
    return await listening


def test_this_process_hears_it_in_the_thread_that_rings(broker):
    heard: list[tuple[Ring, int]] = []
    bell.on_ring(lambda ring: heard.append((ring, threading.get_ident())))

    bell.ring("chat-7", 812)

    assert heard == [(Ring("chat-7", 812), threading.get_ident())]


def test_a_listener_is_called_once_however_often_it_asks(broker):
    heard: list[Ring] = []
    listener = heard.append
    bell.on_ring(listener)
    bell.on_ring(listener)

    bell.ring("chat-7", 812)

    assert heard == [Ring("chat-7", 812)]


async def test_other_processes_hear_it(broker):
    listening = asyncio.ensure_future(first("chat-7"))

    assert await ring_until_heard(listening, Ring("chat-7", 812)) == Ring("chat-7", 812)


async def test_listening_survives_a_restart_of_the_broker(broker, monkeypatch):
    monkeypatch.setattr(bell, "BREAKER_SECONDS", 0.05)
    heard: asyncio.Queue[Ring] = asyncio.Queue()

    async def listen() -> None:
        async for ring in bell.rings():
            heard.put_nowait(ring)

    listening = asyncio.ensure_future(listen())
    before = asyncio.ensure_future(heard.get())
    await ring_until_heard(before, Ring("chat-7", 1))
    await asyncio.to_thread(broker.restart)

    async with asyncio.timeout(20):
        while True:
            await asyncio.to_thread(bell.ring, "chat-7", 2)
            await asyncio.sleep(0.05)
            if not heard.empty() and (await heard.get()).head == 2:
                break
    listening.cancel()


def test_a_dead_broker_costs_next_to_nothing_and_nothing_the_second_time(settings, tmp_path, caplog):
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock"
    heard: list[Ring] = []
    bell.on_ring(heard.append)

    began = time.monotonic()
    for head in range(100):
        bell.ring("chat-7", head)

    assert time.monotonic() - began < 2 * bell.TIMEOUT_SECONDS
    assert len(heard) == 100
    assert len(caplog.records) == 1


def test_a_broker_that_does_not_answer_is_given_up_in_time(broker):
    bell.ring("chat-7", 1)
    broker._process.send_signal(19)  # SIGSTOP

    began = time.monotonic()
    bell.ring("chat-7", 2)
    bell.ring("chat-7", 3)

    assert time.monotonic() - began < 4 * bell.TIMEOUT_SECONDS


@pytest.mark.django_db(transaction=True)
def test_it_rings_after_the_commit_with_the_newest_position(broker):
    chat = make_chat()
    heard: list[tuple[Ring, int]] = []
    bell.on_ring(lambda ring: heard.append((ring, Chat.objects.get(id=chat.id).turn_count)))

    turn = say(chat, "Who is there?")

    assert heard == [(Ring(chat.stream, turn), 1)]
