"""A regenerate from asking to settling, against a scripted model server over real HTTP."""

import io
import json
import re
import threading

import pytest
from django.core.management import CommandError, call_command

from chat.database import in_thread
from chat.log.read import events_of
from chat.story import rebuild
from chat.story.fact_payloads import EventStarted, MemoryFormed, RelationshipChanged
from chat.story.models import Chat, Turn
from chat.turns import exchange, generation, regenerate, rewriting
from chat.turns.announce import Chunk, Ended
from chat.turns.models import Generation
from tests.factories import cast_of, make_chat, owner_of
from tests.factories import say as post
from tests.facts import moved, planned, record, reply, status, texts
from tests.heard import Heard
from tests.model_server import refused, say, stall

pytestmark = pytest.mark.django_db(transaction=True)


def played(chat: Chat, rounds: int = 3) -> list[int]:
    """So many exchanges with Mara; the ids of her replies."""
    replies = []
    for number in range(1, rounds + 1):
        own = post(chat, f"Question {number}?")
        replies.append(reply(chat, "Mara", f"Answer {number}.", group=own))
    return replies


async def begin(chat: Chat, turn: int, heard: Heard, **how: object) -> str:
    user = await in_thread(owner_of, chat)
    return await regenerate.regenerate_assistant_turn(chat, turn=turn, user=user, announcer=heard, **how)


async def test_a_turn_of_any_age_is_written_anew_in_its_place(server, chat):
    turns, heard = await in_thread(played, chat), Heard()
    server.script(say("Another answer."))

    begun = await begin(chat, turns[1], heard, guidance="shorter, and she does not forgive him")
    (ended,) = await heard.until(Ended)

    assert (await in_thread(texts, chat))[2:4] == ["Question 2?", "Another answer."]
    new, old = await in_thread(lambda: (Turn.objects.get(id=ended.turn), Turn.objects.get(id=turns[1])))
    assert (new.regenerated_from, new.place, new.group) == (old.id, old.place, old.group)
    assert (ended.generation, old.superseded_by) == (begun, new.id)
    written = (await in_thread(events_of, chat.stream))[-2:]
    assert [event.kind for event in written] == ["assistant_turn", "turn_superseded"]
    assert {event.actor for event in written} == {f"user:{chat.owner_id}"}
    assert await in_thread(rebuild.differences, chat.id) == []


async def test_the_prompt_is_as_of_its_place_and_holds_the_guidance_but_not_the_old_answer(server, chat):
    def prepare() -> list[int]:
        replies = played(chat, 10)
        cast = cast_of(chat)
        for number, turn in enumerate(replies, start=1):
            record(
                chat,
                MemoryFormed(witness=cast["Mara"], text=f"Memory {number}.", importance=9, turn=turn),
                RelationshipChanged(character=cast["Mara"], toward=0, delta=1, why=f"Why {number}.", turn=turn),
            )
        return replies

    turns, heard = await in_thread(prepare), Heard()

    await begin(chat, turns[1], heard, guidance="She whispers.")
    await heard.until(Ended)

    sent = json.dumps(server.requests[0].body["messages"])
    for there in ("Question 1?", "Answer 1.", "Question 2?", "Memory 1.", "She whispers."):
        assert there in sent
    for number in range(2, 11):
        assert f"Answer {number}." not in sent
        assert f"Memory {number}." not in sent
        assert number == 2 or f"Question {number}?" not in sent


async def test_what_the_old_turn_had_caused_is_gone_from_the_next_prompt(server, chat):
    def prepare() -> tuple[int, int]:
        turn = played(chat, 1)[0]
        cast = cast_of(chat)
        record(
            chat,
            MemoryFormed(witness=cast["Mara"], text="He lied to her.", importance=9, turn=turn),
            RelationshipChanged(character=cast["Mara"], toward=0, delta=-2, why="He lied.", turn=turn),
        )
        story_event = planned(chat, "Find the liar")
        moved(chat, EventStarted, story_event, turn)
        return turn, story_event

    turn, story_event = await in_thread(prepare)
    heard = Heard()
    server.script(say("“All is well.”"), say("“Good.”"))
    await begin(chat, turn, heard)
    await heard.until(Ended)

    user = await in_thread(owner_of, chat)
    await exchange.post_turn(chat, user=user, text="Mara?", announcer=heard)
    await heard.until(Ended, 2)

    sent = json.dumps(server.requests[1].body["messages"])
    assert await in_thread(status, story_event) == "planned"
    for gone in ("He lied to her.", "is cold toward", "Find the liar", "Answer 1."):
        assert gone not in sent


async def test_stop_in_mid_regenerate_keeps_the_original_and_what_was_written(server, chat):
    turns, heard = await in_thread(played, chat), Heard()
    server.script(stall(after=2))
    await begin(chat, turns[2], heard)
    await heard.until(Chunk)

    assert await exchange.stop(chat) is True

    await in_thread(server.wait_for_disconnect)
    (ended,) = heard.of(Ended)
    assert (await in_thread(texts, chat))[-1] == "Answer 3."
    partial = await Turn.objects.aget(id=ended.turn)
    assert (partial.state, partial.superseded_by) == ("stopped", turns[2])
    assert generation.in_flight_tasks == {}
    assert await in_thread(rebuild.differences, chat.id) == []


async def test_a_regenerate_that_fails_or_is_killed_leaves_everything_as_it_was(server, chat):
    turns, heard = await in_thread(played, chat), Heard()
    head = len(await in_thread(events_of, chat.stream))
    server.script(refused(400))

    await begin(chat, turns[1], heard)
    (ended,) = await heard.until(Ended)
    assert (ended.state, ended.turn) == ("failed", None)

    server.script(stall(after=0))
    await begin(chat, turns[1], heard)
    await in_thread(server.wait_for_request, 2)
    running = generation.in_flight_tasks.pop(chat.id)
    await Generation.objects.filter(state="running").aupdate(leased_until="2026-01-01T00:00:00Z")
    assert await exchange.sweep(heard) == 1
    running.end_stream(Generation.State.INTERRUPTED)
    await generation.settled(running)

    assert len(await in_thread(events_of, chat.stream)) == head
    assert "Answer 2." in await in_thread(texts, chat)


async def test_two_regenerates_at_once_one_wins_and_the_other_is_told(server, chat):
    turns, heard, gate = await in_thread(played, chat), Heard(), threading.Event()
    server.script(say("One two", gate=gate))
    await begin(chat, turns[0], heard)

    with pytest.raises(exchange.ReplyRunningError):
        await begin(chat, turns[0], heard)

    gate.set()
    await heard.until(Ended)


async def test_guidance_that_no_database_can_hold_is_cleaned(server, chat):
    turn, heard = await in_thread(reply, chat, "Mara", "“No.”"), Heard()
    server.script(say("“Yes.”"))

    await begin(chat, turn, heard, guidance="kin\x00der\ud800")
    await heard.until(Ended)

    assert (await Generation.objects.aget()).guidance == "kinder"


async def test_guidance_that_is_too_long_is_refused(server, chat):
    turns = await in_thread(played, chat, 1)

    with pytest.raises(regenerate.GuidanceTooLongError):
        await begin(chat, turns[0], Heard(), guidance="x" * 2001)


async def test_rewriting_from_a_turn_on_redoes_its_replies_in_order(server, chat):
    turns, heard = await in_thread(played, chat), Heard()
    server.script(say("New 2."), say("New 3."))

    user = await in_thread(owner_of, chat)
    replies = await regenerate.rewrite_from(chat, turn=turns[1], user=user, announcer=heard)
    await heard.until(Ended, 2)

    assert replies == turns[1:]
    assert (await in_thread(texts, chat))[1::2] == ["Answer 1.", "New 2.", "New 3."]
    assert "New 2." in json.dumps(server.requests[1].body["messages"])


async def test_stopping_ends_the_rewriting_from_a_turn_on(server, chat):
    turns, heard = await in_thread(played, chat), Heard()
    server.script(say("New 1."), stall(after=2))
    user = await in_thread(owner_of, chat)
    await regenerate.rewrite_from(chat, turn=turns[0], user=user, announcer=heard)
    await heard.until(Chunk, 2)
    await heard.until(Ended)
    await in_thread(server.wait_for_request, 2)

    await exchange.stop(chat)

    await generation.idle()
    assert (await in_thread(texts, chat))[1::2] == ["New 1.", "Answer 2.", "Answer 3."]
    assert len(server.requests) == 2


async def test_the_players_edit_and_deletion_are_in_the_log_with_who_did_it(chat):
    def play() -> list[tuple[str, str]]:
        turn = played(chat, 1)[0]
        rewriting.edit(chat, turn=turn, text="Mine.", by=owner_of(chat))
        return [(event.kind, event.actor) for event in events_of(chat.stream)][-2:]

    assert await in_thread(play) == [
        ("assistant_turn", f"user:{chat.owner_id}"),
        ("turn_superseded", f"user:{chat.owner_id}"),
    ]


def test_the_command_writes_a_turn_anew_on_the_terminal(server, chat, valkey):
    turns, out, beside = played(chat), io.StringIO(), io.StringIO()
    record(chat, MemoryFormed(witness=cast_of(chat)["Ilse"], text="It was cold.", importance=5, turn=turns[1]))
    server.script(say("From the console."))

    call_command("regenerate_turn", str(turns[1]), guidance="colder", stdout=out, stderr=beside)

    assert "Mara: From the console." in out.getvalue()
    before, after = beside.getvalue().strip().splitlines()
    assert before == "1 memory will go with it."
    assert re.fullmatch(r"It stands as turn \d+\. 1 memory went with it\.", after)
    assert texts(chat)[3] == "From the console."
    assert events_of(chat.stream)[-1].actor == "console"
    assert "colder" in json.dumps(server.requests[0].body["messages"])
    stands = chat.turns.live().get(text="From the console.").id
    with pytest.raises(CommandError, match=f"was rewritten: another .* Its id: {stands}"):
        call_command("regenerate_turn", str(turns[1]), stdout=out)
    with pytest.raises(CommandError, match="There is no turn"):
        call_command("regenerate_turn", "1", stdout=out)


def test_what_another_chat_says_is_untouched(chat):
    other = make_chat(owner_of(chat))
    ours, theirs = played(chat, 1)[0], played(other, 1)[0]

    rewriting.delete(chat, turn=ours, by=owner_of(chat))

    assert texts(other) == ["Question 1?", "Answer 1."]
    assert Turn.objects.get(id=theirs).superseded_by is None
