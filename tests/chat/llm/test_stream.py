"""A streamed reply from a good server, and who ends it."""

import asyncio
import threading
from contextlib import aclosing

import pytest

from chat.llm.client import Delta, Finish, Prompt, Thinking
from chat.llm.openai_compatible import OpenAICompatibleModel, Patience
from tests.chat.llm.listening import PROMPT, reply_of, text_of
from tests.model_server import (
    nothing,
    reasoning,
    say,
    split_bytes,
    stall,
    without_done,
)


async def test_a_reply_comes_in_pieces_and_ends_with_its_reason_and_usage(server, model):
    server.script(say("The lamp gutters, and out."))

    items = await reply_of(model)

    assert items == [*map(Delta, ("The ", "lamp ", "gutters, ", "and ", "out.")), Finish("stop", 10, 5)]


async def test_what_is_asked_is_what_the_prompt_says(server, model):
    stop = tuple(f"\nNAME {number}:" for number in range(6))
    await reply_of(model, Prompt(messages=PROMPT.messages, stop=stop, max_tokens=7, temperature=0.3))

    request = server.wait_for_request(1)

    assert request.path == "/v1/chat/completions"
    assert request.body["messages"] == [{"role": "user", "content": "Good evening."}]
    assert (request.body["model"], request.body["max_tokens"], request.body["temperature"]) == ("scripted", 7, 0.3)
    assert request.body["stop"] == list(stop[:4])


async def test_a_script_goes_to_the_completions(server, model):
    server.script(say("Who is there?"))

    items = await reply_of(model, Prompt(script="ANNA: Knock knock.\nBEN:", max_tokens=7))

    assert text_of(items) == "Who is there?"
    assert server.wait_for_request(1).path == "/v1/completions"
    assert server.wait_for_request(1).body["prompt"].endswith("BEN:")


async def test_the_first_piece_does_not_wait_for_the_second(server, model):
    gate = threading.Event()
    server.script(say("Now and then.", gate=gate))

    async with aclosing(OpenAICompatibleModel(url=server.url, name="scripted").stream(PROMPT)) as items:
        assert await anext(items) == Delta("Now ")
        gate.set()
        assert text_of([item async for item in items]) == "and then."


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
async def test_reasoning_is_thinking_and_no_part_of_the_reply(server, model, field):
    server.script(reasoning("Yes.", field=field, thoughts="Is it so? "))

    items = await reply_of(model)

    assert "".join(item.text for item in items if isinstance(item, Thinking)) == "Is it so? "
    assert text_of(items) == "Yes."


@pytest.mark.parametrize("chunk", [1, 2, 5, 100])
async def test_a_leading_think_block_is_thinking_however_it_is_cut(server, model, chunk):
    server.script(say("<think>\nA < B, so </thin</think>\n\nYes, <think> of it.", chunk=chunk))

    items = await reply_of(model)

    assert "".join(item.text for item in items if isinstance(item, Thinking)) == "\nA < B, so </thin"
    assert text_of(items) == "Yes, <think> of it."


async def test_letters_and_line_ends_split_across_packets_arrive_whole(server, model):
    text = "“Grüße”, 世界 – ça va? 🌊"
    server.script(split_bytes(text))

    assert text_of(await reply_of(model)) == text


async def test_a_reply_with_a_reason_is_done_though_done_is_never_said(server, model):
    server.script(without_done("All is said."))

    items = await reply_of(model)

    assert text_of(items) == "All is said."
    assert items[-1].reason == "stop"


async def test_a_finished_reply_does_not_wait_for_a_connection_left_open(server, model):
    async def finish_and_stay(exchange):
        exchange.begin()
        exchange.piece("All is said.")
        exchange.event(exchange.choice(finish="stop"))
        await asyncio.Event().wait()

    server.script(finish_and_stay)

    async with asyncio.timeout(5):
        items = await reply_of(model)

    assert items == [Delta("All is said."), Finish("stop", None, None)]


async def test_a_slow_reader_is_no_slow_server(server, model):
    model.patience = Patience(between_tokens=0.3)
    server.script(say("one two", delay=0.6))

    said = []
    async for item in model.stream(PROMPT):
        said.append(item)
        await asyncio.sleep(0.5)

    assert text_of(said) == "one two"


async def test_closing_a_reply_closes_the_connection_at_once(server, model):
    server.script(stall(after=2))

    async with aclosing(model.stream(PROMPT)) as items:
        await anext(items)

    await asyncio.to_thread(server.wait_for_disconnect, timeout=1)
    assert server.requests[0].disconnected.is_set()


@pytest.mark.parametrize("behaviour", [nothing(), stall(after=0), stall(after=2)])
async def test_cancelling_who_reads_closes_the_connection_at_once(server, behaviour):
    server.script(behaviour)
    task = asyncio.create_task(reply_of(OpenAICompatibleModel(url=server.url, name="scripted")))
    await asyncio.to_thread(server.wait_for_request, 1)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(server.wait_for_disconnect, timeout=1)


async def test_a_callers_own_timeout_stays_the_callers(server):
    server.script(stall(after=1))
    model = OpenAICompatibleModel(url=server.url, name="scripted", patience=Patience())

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await reply_of(model)


async def test_a_hundred_replies_run_side_by_side(server):
    server.default = say("one two three four five", delay=0.05)
    model = OpenAICompatibleModel(url=server.url, name="scripted")

    replies = await asyncio.gather(*(reply_of(model) for _ in range(100)))

    assert {text_of(items) for items in replies} == {"one two three four five"}


async def test_finished_replies_share_a_connection(server, model):
    async def end_late(exchange):
        exchange.begin()
        exchange.event(exchange.choice(finish="stop"))
        exchange.raw(b"data: [DONE]\n\n")
        await exchange.writer.drain()
        await asyncio.sleep(0.05)
        exchange.end()

    model.patience = Patience(last_bytes=5)
    server.script(end_late, end_late)

    for _ in range(3):
        await reply_of(model)

    assert server.connections_made == 1


def test_every_loop_has_connections_of_its_own_and_closes_them(server, model):
    for _ in range(3):
        assert text_of(asyncio.run(reply_of(model))) == "I hear you."
