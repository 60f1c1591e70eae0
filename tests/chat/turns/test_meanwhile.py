"""Characters who are elsewhere talk among themselves, against a scripted model server over real HTTP."""

import threading

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from chat.database import in_thread
from chat.story import rebuild
from chat.story.models import Chat, Meanwhile
from chat.story.payloads import Card
from chat.turns import exchange, generation, meanwhile, scenes
from chat.turns.announce import Chunk, Ended
from chat.turns.claims import ReplyRunningError
from chat.turns.models import Generation
from chat.turns.scenes import NotInTheCastError
from chat.turns.speaker import choose_for_meanwhile
from tests.factories import cast_of, make_chat, owner_of
from tests.heard import Heard, live, post
from tests.model_server import refused, say

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def chat() -> Chat:
    """Mara is with the player; Ilse and Tom are elsewhere."""
    chat = make_chat(names=("Mara", "Ilse", "Tom"))
    for name in ("Ilse", "Tom"):
        scenes.leave(chat, character=cast_of(chat)[name], by=owner_of(chat))
    return Chat.objects.get(id=chat.id)


async def begin(chat: Chat, heard: Heard, names: tuple[str, ...] = ("Ilse", "Tom"), *, turns=2, direction=""):
    cast, owner = await in_thread(cast_of, chat), await in_thread(owner_of, chat)
    there = [cast[name] for name in names]
    return await meanwhile.open_meanwhile(
        chat, user=owner, characters=there, direction=direction, turns=turns, announcer=heard
    )


async def test_meanwhile_registers_task_in_in_flight_tasks(server, chat):
    heard, gate = Heard(), threading.Event()
    server.script(say("One two", gate=gate))

    await begin(chat, heard)
    await heard.until(Chunk)
    assert chat.id in generation.in_flight_tasks
    assert await exchange.stop(chat) is True

    assert generation.in_flight_tasks == {}
    assert await live(chat) == [("Ilse", "One", "stopped")]
    assert len(server.requests) == 1, "Stop ends all of it"


async def test_they_speak_in_turn_and_the_main_scene_knows_nothing_of_it(server, chat):
    heard, cast = Heard(), await in_thread(cast_of, chat)
    server.script(*(say(f"zq{number}x") for number in range(3)), say("I am here."))

    claim = await begin(chat, heard, turns=3, direction="Tom counts the masts.")
    await heard.until(Ended, 3)
    await post(chat, "What now?", heard)
    await heard.until(Ended, 4)

    assert [name for name, _, _ in await live(chat)] == ["Tom", "Ilse", "Tom", "You", "Mara"]
    assert "zq" not in server.requests[3].prompt_text
    assert "zq0x" in server.requests[1].prompt_text
    assert "Tom counts the masts." in server.requests[1].prompt_text
    assert "(the player)" not in server.requests[1].prompt_text
    said = chat.turns.filter(meanwhile=claim.meanwhile).values_list("group", "witnesses")
    turns = await in_thread(list, said)
    assert turns == [(claim.meanwhile, sorted([cast["Ilse"], cast["Tom"]]))] * 3
    assert await in_thread(rebuild.differences, chat.id) == []


async def test_a_meanwhile_goes_on_with_whoever_was_silent_longest(server, chat):
    heard, owner = Heard(), await in_thread(owner_of, chat)
    claim = await begin(chat, heard, turns=1)
    await heard.until(Ended)

    await meanwhile.continue_meanwhile(chat, user=owner, meanwhile=claim.meanwhile, turns=2, announcer=heard)
    await heard.until(Ended, 3)

    assert [name for name, _, _ in await live(chat)] == ["Ilse", "Tom", "Ilse"]
    assert await Meanwhile.objects.acount() == 1


async def test_what_the_player_says_meanwhile_is_answered_next_and_ends_it(server, chat):
    heard, gate = Heard(), threading.Event()
    server.script(say("One two", gate=gate), say("Here."))
    await begin(chat, heard, turns=4)
    await heard.until(Chunk)

    await post(chat, "Mara?", heard)
    gate.set()
    await heard.until(Ended, 2)

    assert [name for name, _, _ in await live(chat)] == ["You", "Ilse", "Mara"]


async def test_an_unanswered_turn_is_not_taken_for_answered_by_a_meanwhile(server, chat):
    heard = Heard()
    server.script(refused(400), say("Elsewhere."))
    await post(chat, "Mara?", heard)
    await heard.until(Ended)
    before = await Chat.objects.aget(id=chat.id)

    await begin(chat, heard, turns=1)
    await heard.until(Ended, 2)

    after = await Chat.objects.aget(id=chat.id)
    assert after.answered_to == before.answered_to


async def test_one_that_failed_is_tried_again_in_its_place(server, chat):
    heard, owner = Heard(), await in_thread(owner_of, chat)
    server.script(refused(400), say("Now."))
    await begin(chat, heard, turns=2)
    await heard.until(Ended)

    await exchange.retry(chat, user=owner, announcer=heard)
    await heard.until(Ended, 2)

    turn = await chat.turns.aget()
    assert (turn.speaker_name, turn.text, turn.meanwhile_id is not None) == ("Ilse", "Now.", True)


async def test_what_cannot_be_begun_is_refused_and_leaves_nothing(server, chat):
    heard, gate = Heard(), threading.Event()
    owner = await in_thread(owner_of, chat)
    with pytest.raises(meanwhile.TooFewCharactersError):
        await begin(chat, heard, ("Ilse",))
    with pytest.raises(meanwhile.TurnsOutOfRangeError):
        await begin(chat, heard, turns=0)
    with pytest.raises(NotInTheCastError):
        await meanwhile.open_meanwhile(chat, user=owner, characters=[1, 2], direction="", turns=1, announcer=heard)
    with pytest.raises(meanwhile.NoSuchMeanwhileError):
        await meanwhile.continue_meanwhile(chat, user=owner, meanwhile=1, turns=1, announcer=heard)
    server.script(say("One two", gate=gate))
    await post(chat, "Mara?", heard)
    await heard.until(Chunk)
    with pytest.raises(ReplyRunningError):
        await begin(chat, heard)
    gate.set()
    await heard.until(Ended)

    assert await Meanwhile.objects.acount() == 0
    assert await Generation.objects.acount() == 1


def test_the_last_speakers_of_meanwhiles_are_found_by_an_index(chat):
    with CaptureQueriesContext(connection) as asked:
        meanwhile._next_speaker(chat, [Card(id=1, name="Ilse")], "")

    query = asked.captured_queries[-1]["sql"]
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Of a table this small it would look at every row; autovacuum may have told it so already.
            cursor.execute("ANALYZE chat_turn")
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(("EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN ") + query)
        plan = str(cursor.fetchall())
    assert "live_turns_of_meanwhiles" in plan


def test_a_name_in_the_direction_begins_and_then_they_alternate():
    ilse, tom, vera = (Card(id=id_, name=name) for id_, name in ((1, "Ilse"), (2, "Tom"), (3, "Vera")))

    def next_of(*recent: int) -> str:
        return choose_for_meanwhile([ilse, tom, vera], direction="Tom waits.", recent=recent).name

    assert [next_of(), next_of(2), next_of(1, 2), next_of(3, 1, 2), next_of(9)] == ["Tom", "Ilse", "Vera", "Tom", "Tom"]
