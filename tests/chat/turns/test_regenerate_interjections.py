"""Regenerating a reply that was followed by an interjection: both are redone, or the interjection is gone."""

import json
import threading

import pytest

from agent.reactions.chronicler import Chronicler
from chat.database import in_thread
from chat.story import rebuild
from chat.story.fact_models import TurnReading
from chat.story.models import Character, Chat, Turn
from chat.turns import chats, exchange, generation, regenerate, rewriting
from chat.turns.announce import Chunk, Ended, Started
from chat.turns.models import Generation
from tests.factories import cast_of, owner_of
from tests.factories import say as post
from tests.facts import read, reply, texts
from tests.heard import Heard
from tests.model_server import answer_json, nothing, say, stall

pytestmark = pytest.mark.django_db(transaction=True)

NO = answer_json({"interject": False, "who": "", "why": "Nothing to add."})


def yes(who: str = "Ilse"):
    return answer_json({"interject": True, "who": who, "why": "It concerns her."})


@pytest.fixture
def reader(server, settings):
    """The same server is asked whether somebody speaks up."""
    settings.READER_URL, settings.READER_MODEL = server.url, "reader"
    return server


def played(chat: Chat) -> tuple[int, int, int]:
    """A player's turn, Mara's reply and Ilse's interjection."""
    own = post(chat, "Mara?")
    primary = reply(chat, "Mara", "“Never.”", group=own)
    interjection = reply(chat, "Ilse", "“She lies.”", group=own, interjection_of=cast_of(chat)["Mara"])
    return own, primary, interjection


async def begin(chat: Chat, turn: int, heard: Heard) -> str:
    user = await in_thread(owner_of, chat)
    return await regenerate.regenerate_assistant_turn(chat, turn=turn, user=user, announcer=heard)


async def test_regenerate_with_interjection_redoes_both_turns(reader, chat):
    (own, primary, interjection), heard = await in_thread(played, chat), Heard()
    reader.script(say("“Always.”"), yes(), say("“She lies again.”"))

    await begin(chat, primary, heard)
    first, second = await heard.until(Ended, 2)
    await generation.idle()

    rows = await in_thread(Turn.objects.in_bulk)
    new, again = rows[first.turn], rows[second.turn]
    assert await in_thread(texts, chat) == ["Mara?", "“Always.”", "“She lies again.”"]
    assert (new.group, new.regenerated_from, new.interjection_of) == (own, primary, None)
    assert (again.group, again.regenerated_from, again.interjection_of) == (own, interjection, new.speaker)
    assert {rows[primary].superseded_by, rows[interjection].superseded_by} == {new.id}
    assert [one.rewrites for one in heard.of(Started)] == [primary, interjection]
    assert "“She lies.”" not in json.dumps(reader.requests[2].body["messages"])

    def readings() -> set[int]:
        read(chat, new.id, again.id, reactions=[Chronicler()])
        return set(TurnReading.objects.values_list("turn", flat=True))

    reader.default = answer_json({"planned": [], "moved": [], "memories": [], "feelings": []})
    assert await in_thread(readings) == {new.id, again.id}
    assert await in_thread(rebuild.differences, chat.id) == []


async def test_regenerate_registers_task_in_in_flight_tasks(reader, chat):
    (_, primary, interjection), heard, gate = await in_thread(played, chat), Heard(), threading.Event()
    reader.script(say("One two three", gate=gate), yes(), stall(after=2))

    begun = await begin(chat, primary, heard)
    await heard.until(Chunk)
    assert generation.in_flight_tasks[chat.id].generation == begun
    gate.set()
    (first,) = await heard.until(Ended)
    await heard.until(Started, 2)
    await heard.until(Chunk, len(heard.of(Chunk)) + 1)
    assert generation.in_flight_tasks[chat.id].rewrites == interjection
    assert await exchange.stop(chat) is True
    assert generation.in_flight_tasks == {}
    stands = await in_thread(texts, chat)

    reader.script(stall(after=2))
    begun = await begin(chat, first.turn, heard)
    await heard.until(Chunk, len(heard.of(Chunk)) + 1)
    assert generation.in_flight_tasks[chat.id].generation == begun
    assert await exchange.stop(chat) is True
    assert generation.in_flight_tasks == {}
    assert await in_thread(texts, chat) == stands


async def test_regenerate_drops_interjection_when_classifier_returns_false(reader, chat):
    (_, primary, interjection), heard = await in_thread(played, chat), Heard()
    reader.script(say("“Always.”"), NO)

    await begin(chat, primary, heard)
    first, second = await heard.until(Ended, 2)

    assert (second.state, second.turn) == ("nobody", None)
    assert await in_thread(texts, chat) == ["Mara?", "“Always.”"]
    old = await Turn.objects.aget(id=interjection)
    assert old.superseded_by == first.turn

    await in_thread(lambda: rewriting.restore(chat, turn=primary, by=owner_of(chat)))
    assert await in_thread(texts, chat) == ["Mara?", "“Never.”", "“She lies.”"]


async def test_when_it_cannot_be_decided_the_same_witness_speaks_again(reader, chat):
    (_, primary, interjection), heard = await in_thread(played, chat), Heard()
    reader.script(say("“Always.”"), yes("Zoe, who is not in the story"), say("“Again.”"))

    await begin(chat, primary, heard)
    _, second = await heard.until(Ended, 2)

    again = await Turn.objects.aget(id=second.turn)
    assert (again.speaker_name, again.regenerated_from) == ("Ilse", interjection)


async def test_stop_in_the_interjection_of_a_regenerate_keeps_what_was_said_of_it(reader, chat):
    (_, primary, interjection), heard = await in_thread(played, chat), Heard()
    reader.script(say("“Always.”"), yes(), stall(after=2))
    await begin(chat, primary, heard)
    await heard.until(Started, 2)
    await heard.until(Chunk, len(heard.of(Chunk)) + 1)

    assert generation.in_flight_tasks[chat.id].rewrites == interjection
    assert await exchange.stop(chat) is True

    _, second = await heard.until(Ended, 2)
    stopped = await Turn.objects.aget(id=second.turn)
    assert (stopped.state, stopped.superseded_by, stopped.regenerated_from) == ("stopped", None, interjection)
    assert generation.in_flight_tasks == {}
    assert await in_thread(rebuild.differences, chat.id) == []


async def test_stop_between_the_two_counts_as_no(reader, chat):
    (_, primary, _), heard = await in_thread(played, chat), Heard()
    reader.script(say("“Always.”"), nothing())
    await begin(chat, primary, heard)
    await heard.until(Ended)
    await in_thread(reader.wait_for_request, 2)

    await exchange.stop(chat)

    assert await in_thread(texts, chat) == ["Mara?", "“Always.”"]
    assert generation.in_flight_tasks == {}


async def test_an_interjection_falls_with_its_reply_when_another_writing_was_brought_back_meanwhile(reader, chat):
    (_, primary, _), heard, gate = await in_thread(played, chat), Heard(), threading.Event()
    reader.script(say("“Always.”"), yes(), say("“She lies again.”", gate=gate))
    await begin(chat, primary, heard)
    await heard.until(Started, 2)

    await in_thread(lambda: rewriting.restore(chat, turn=primary, by=owner_of(chat)))
    gate.set()
    first, second = await heard.until(Ended, 2)

    assert await in_thread(texts, chat) == ["Mara?", "“Never.”", "“She lies.”"]
    assert (await Turn.objects.aget(id=second.turn)).superseded_by == primary
    await in_thread(lambda: rewriting.restore(chat, turn=first.turn, by=owner_of(chat)))
    assert await in_thread(texts, chat) == ["Mara?", "“Always.”", "“She lies again.”"]
    await in_thread(lambda: rewriting.restore(chat, turn=primary, by=owner_of(chat)))
    assert await in_thread(texts, chat) == ["Mara?", "“Never.”", "“She lies.”"]
    assert await in_thread(rebuild.differences, chat.id) == []


async def test_regenerating_an_interjection_alone_leaves_its_reply(reader, chat):
    (_, primary, interjection), heard = await in_thread(played, chat), Heard()
    reader.script(say("“She dreams.”"))

    await begin(chat, interjection, heard)
    (ended,) = await heard.until(Ended)
    await generation.idle()

    new = await Turn.objects.aget(id=ended.turn)
    assert await in_thread(texts, chat) == ["Mara?", "“Never.”", "“She dreams.”"]
    assert (new.regenerated_from, new.interjection_of) == (interjection, (await in_thread(cast_of, chat))["Mara"])
    assert len(reader.requests) == 1
    assert (await Turn.objects.aget(id=primary)).superseded_by is None


async def test_of_an_older_turn_group_without_one_nobody_is_asked(reader, chat):
    def play() -> int:
        primary = reply(chat, "Mara", "“Never.”", group=post(chat, "Mara?"))
        reply(chat, "Ilse", "“Aye.”", group=post(chat, "And now?"))
        return primary

    primary, heard = await in_thread(play), Heard()
    reader.script(say("“Always.”"))

    await begin(chat, primary, heard)
    await heard.until(Ended)
    await generation.idle()

    states = await in_thread(lambda: set(Generation.objects.filter(follows__isnull=False).values_list("id")))
    assert states == set()


async def test_regenerate_sibling_lookup_scoped_to_chat(reader, chat):
    def prepare() -> tuple[Chat, tuple[int, int, int], tuple[int, int, int]]:
        owner = owner_of(chat)
        both = list(Character.objects.filter(owner=owner).order_by("id"))
        other = Chat.objects.get(id=chats.begin_chat(owner, title="Twin", premise="", characters=both))
        assert cast_of(other) == cast_of(chat)
        theirs = played(other)
        ours = played(chat)
        played(other)
        return other, ours, theirs

    other, ours, _ = await in_thread(prepare)
    heard = Heard()
    before = await in_thread(texts, other)
    reader.script(say("“Always.”"), yes(), say("“She lies again.”"))

    await begin(chat, ours[1], heard)
    _, second = await heard.until(Ended, 2)

    again = await Turn.objects.aget(id=second.turn)
    assert (again.chat_id, again.regenerated_from) == (chat.id, ours[2])
    assert await in_thread(texts, other) == before
    assert not await other.turns.filter(superseded_by__isnull=False).aexists()
    assert await in_thread(rebuild.differences, other.id) == []
