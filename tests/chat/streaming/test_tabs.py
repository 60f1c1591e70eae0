"""A tab in a room: let in, told everything once, told again what it missed, and shown out."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.contrib.sessions.models import Session

from chat.database import in_thread
from chat.log import read
from chat.story import writer
from chat.story.models import Chat
from chat.story.payloads import ChatRenamed
from chat.streaming.hub import Hub
from chat.streaming.outbox import Outbox
from chat.streaming.rooms import Member
from chat.turns import chats, generation
from chat.turns.announce import Silent
from chat.turns.models import Generation
from project.asgi import application
from tests.chat.streaming.conftest import begin_reply, session_of, written_reply
from tests.chat.streaming.tabs import Transcript, tab_in_process
from tests.factories import make_user, owner_of, say

pytestmark = pytest.mark.django_db(transaction=True)


def tab(chat: Chat, session: str, **how: Any) -> Any:
    return tab_in_process(application, chat.id, session=session, **how)


def write_events(chat: Chat, number: int) -> None:
    source = writer.Source(actor="test", at=datetime.now(UTC))
    for _ in range(number // 500):
        writer.write(chat.id, [ChatRenamed(title="Again")] * 500, source)


async def closed_with(chat: int, session: str, query: str = "") -> int:
    headers = [(b"host", b"localhost"), (b"origin", b"http://localhost"), (b"cookie", f"sessionid={session}".encode())]
    socket = WebsocketCommunicator(application, f"/ws/chats/{chat}/{query}", headers=headers)
    await socket.connect()
    message = await socket.receive_output(10)
    assert message["type"] == "websocket.close"
    await socket.disconnect()
    return message["code"]


# --- Who comes in ----------------------------------------------------------------------------------------


async def test_nobody_comes_in_without_a_session(chat):
    assert await closed_with(chat.id, "") == 4401
    assert await closed_with(chat.id, "made-up") == 4401


async def test_strangers_and_deleted_chats_are_not_found(chat, session):
    stranger = await in_thread(lambda: session_of(make_user()))

    assert await closed_with(chat.id, stranger) == 4404
    assert await closed_with(chat.id + 1, session) == 4404
    await in_thread(chats.delete, chat, by=await in_thread(owner_of, chat))
    assert await closed_with(chat.id, session) == 4404


@pytest.mark.parametrize("since", ["yesterday", "-1", "1.5", "٣", "9" * 30, "9" * 5000])
async def test_rubbish_for_a_position_is_refused(chat, session, since):
    assert await closed_with(chat.id, session, f"?since={since}") == 4400


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://evil.example", "localhost"),
        ("http://localhost:9999", "localhost:8000"),
        ("null", "localhost"),
        ("", "localhost"),
        ("http://[", "localhost"),
        ("http://evil.example", "evil.example"),
    ],
)
async def test_other_sites_may_not_connect(chat, session, origin, host):
    headers = [(b"host", host.encode()), (b"origin", origin.encode()), (b"cookie", f"sessionid={session}".encode())]
    socket = WebsocketCommunicator(application, f"/ws/chats/{chat.id}/", headers=headers)

    connected, _ = await socket.connect()

    assert not connected


# --- What is told ----------------------------------------------------------------------------------------


async def test_a_reply_is_told_word_by_word_and_its_turn_before_its_end(chat, session, switchboard: Hub):
    async with tab(chat, session) as one:
        await written_reply(chat, switchboard, "It is me.")
        page = await one.until(lambda page: "finished" in page.states())

    told = [frame["type"] for frame in page.frames]
    assert told == ["hello", "turn_html", "generation", "delta", "turn_html", "generation"]
    assert page.previews == {}


async def test_one_who_comes_in_the_middle_goes_on_from_the_text_so_far(chat, session, switchboard: Hub):
    await in_thread(say, chat, "Who is there?")
    reply = await begin_reply(chat, switchboard)
    reply.write("It is ")

    async with tab(chat, session) as one:
        assert (await one.until_frame("snapshot"))["text"] == "It is "
        reply.write("me.")
        page = await one.until(lambda page: "It is me." in page.previews.values())
        await reply.settle()
        await one.until_frame("generation", state="finished")

    assert [frame["offset"] for frame in page.of("delta")] == [6]


async def test_offsets_count_characters_not_utf_16_units(chat, session, switchboard: Hub):
    await in_thread(say, chat, "Who is there?")
    reply = await begin_reply(chat, switchboard)

    async with tab(chat, session) as one:
        await one.until_frame("snapshot")
        for word in ("🕯️", "🕯️", "x"):
            reply.write(word)
        page = await one.until(lambda page: "🕯️🕯️x" in page.previews.values())
        await reply.settle()

    assert page.of("delta")[-1]["offset"] + len(page.of("delta")[-1]["text"]) == 5


async def test_a_failure_carries_its_sentence(chat, session, switchboard: Hub):
    async with tab(chat, session) as one:
        await written_reply(chat, switchboard, "", "failed")
        ended = await one.until_frame("generation", state="failed")

    assert ended["error"] == "It did not answer."


async def test_a_ring_that_was_lost_heals_at_the_next_sweep(chat, session, switchboard: Hub, monkeypatch):
    async with tab(chat, session) as one:
        monkeypatch.setattr("chat.log.bell._here", [])
        turn = await in_thread(say, chat, "Who is there?")
        await switchboard.sweep()
        await one.until_frame("turn_html", turn_id=turn)


async def test_news_that_were_lost_heal_at_the_next_sweep(chat, session, switchboard: Hub):
    """As if another process wrote the reply and nothing of it came through."""
    await in_thread(say, chat, "Who is there?")
    async with tab(chat, session) as one:
        reply = await begin_reply(chat, Silent())
        generation.in_flight_tasks.clear()
        await in_thread(Generation.objects.filter(chat=chat).update, text="It is ")
        await switchboard.sweep()
        await one.until(lambda page: "It is " in page.previews.values())
        await reply.settle("failed")
        await switchboard.sweep()
        ended = await one.until_frame("generation", state="failed")

    assert ended["error"] == "It did not answer."


async def test_one_too_far_behind_is_told_to_reload_and_nothing_else(chat, session, switchboard: Hub):
    since = await in_thread(read.head, chat.stream)
    await in_thread(write_events, chat, 10_000)

    async with tab(chat, session, since=since) as one:
        turn = await in_thread(say, chat, "At last.")
        page = await one.until(lambda page: turn in page.turns)

    assert [frame["type"] for frame in page.frames] == ["hello", "reset", "turn_html"]


async def test_a_position_beyond_the_log_is_answered_with_a_reset(chat, session, switchboard: Hub):
    head = await in_thread(read.head, chat.stream)

    async with tab(chat, session, since=head + 1000) as one:
        frame = await one.until_frame("reset")

    assert frame["position"] == head


async def test_one_who_does_not_read_is_reset_and_comes_back_to_the_same_text(chat, session, switchboard: Hub):
    room = switchboard.enter(chat.id, head=await in_thread(read.head, chat.stream))
    slow = Member(session, Outbox(most=10))
    first = await room.join(slow, since=room.position)
    await in_thread(say, chat, "Who is there?")
    reply = await begin_reply(chat, switchboard)
    reply.write("It is ")
    last = 0
    for number in range(12):
        last = await in_thread(say, chat, f"Turn {number}")
        await room._reach(last)
    reply.write("me.")

    page = Transcript()
    for frame in [*first, *await slow.outbox.take()]:
        page.apply(json.loads(frame.text))

    assert [frame["type"] for frame in page.frames][:2] == ["hello", "reset"]
    assert list(page.previews.values()) == ["It is me."]
    assert page.position == last
    await reply.settle()
    switchboard.leave(room)


# --- Who goes --------------------------------------------------------------------------------------------


async def shown_out(one: Any) -> int:
    with pytest.raises(ConnectionError) as closed:
        await one.until(lambda _: False)
    return closed.value.args[0]


async def test_deleting_the_chat_shows_everyone_out(chat, session, switchboard: Hub):
    owner = await in_thread(owner_of, chat)
    async with tab(chat, session) as one:
        await in_thread(chats.delete, chat, by=owner)

        assert await shown_out(one) == 4404


async def test_signing_out_shows_that_browser_out_and_no_other(chat, session, switchboard: Hub):
    other_session = await in_thread(lambda: session_of(owner_of(chat)))
    async with tab(chat, session) as one, tab(chat, other_session) as other:
        await in_thread(Session.objects.filter(session_key=session).delete)
        await switchboard.sweep()

        assert await shown_out(one) == 4401
        turn = await in_thread(say, chat, "Still here.")
        await other.until_frame("turn_html", turn_id=turn)


async def test_the_last_one_out_closes_the_room(chat, session, switchboard: Hub):
    async with tab(chat, session):
        async with tab(chat, session):
            assert switchboard.rooms[chat.id].visitors == 2
        assert switchboard.rooms[chat.id].visitors == 1

    assert switchboard.rooms == {}


# --- Nothing twice, nothing lost -------------------------------------------------------------------------
