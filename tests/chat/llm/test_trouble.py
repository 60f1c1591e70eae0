"""A streamed reply from bad servers of every kind: each failure has its name, and what was said stands."""

import asyncio

import pytest

from chat.llm.errors import (
    ModelInterruptedError,
    ModelRateLimitedError,
    ModelRefusedError,
    ModelRequestError,
    ModelServerError,
    ModelTimeoutError,
    ModelUnreachableError,
)
from chat.llm.openai_compatible import OpenAICompatibleModel, Patience
from tests.chat.llm.listening import KEY, reply_of, text_of, text_until
from tests.model_server import (
    ScriptedModelServer,
    drop,
    error_in_stream,
    hang_up,
    nothing,
    rate_limited,
    refused,
    say,
    server_error,
    stall,
)


async def test_done_without_a_reason_is_an_interruption(server, model):
    async def done_too_soon(exchange):
        exchange.begin()
        exchange.piece("All is ")
        exchange.raw(b"data: [DONE]\n\n")
        exchange.end()

    server.script(done_too_soon)

    said, _ = await text_until(model, ModelInterruptedError)

    assert said == "All is "


async def test_a_dropped_connection_is_an_interruption_and_what_came_stands(server, model):
    server.script(drop(after=3))

    said, error = await text_until(model, ModelInterruptedError)

    assert said == "one two three "
    assert error.transient


async def test_an_error_object_in_a_good_stream_is_an_error_and_what_came_stands(server, model):
    server.script(error_in_stream("the engine died", after=2))

    said, error = await text_until(model, ModelServerError)

    assert said == "one two "
    assert "the engine died" in error.detail


async def test_silence_before_the_first_token_is_a_timeout(server, model):
    model.patience = Patience(first_token=0.3)
    server.script(nothing(), stall(after=0))

    for _ in range(2):
        said, error = await text_until(model, ModelTimeoutError)
        assert (said, error.transient) == ("", True)


async def test_comments_do_not_put_off_the_first_token_for_ever(server, model):
    model.patience = Patience(first_token=0.3)

    async def only_comments(exchange):
        exchange.begin()
        while True:
            exchange.raw(b": PROCESSING\n\n")
            await asyncio.sleep(0.05)

    server.script(only_comments)

    await text_until(model, ModelTimeoutError)


async def test_silence_between_tokens_is_a_timeout(server, model):
    model.patience = Patience(between_tokens=0.3)
    server.script(stall(after=2))

    said, _ = await text_until(model, ModelTimeoutError)

    assert said == "one two "


async def test_too_many_requests_tell_how_long_to_wait(server, model):
    server.script(rate_limited(7), rate_limited(None), rate_limited("Fri, 01 Jan 2100 00:00:00 GMT"))

    waits = [(await text_until(model, ModelRateLimitedError))[1].retry_after for _ in range(3)]

    assert waits[:2] == [7.0, None]
    assert waits[2] > 10**9
    assert len(server.requests) == 3


@pytest.mark.parametrize("said", ["inf", "nan", "9" * 400, "soon", f"Fri, 01 Jan 2100 00:00:00 +{'9' * 30}"])
async def test_a_wait_that_no_clock_could_keep_is_as_good_as_none(server, model, said):
    server.script(rate_limited(said))

    _, caught = await text_until(model, ModelRateLimitedError)

    assert caught.retry_after is None


async def test_a_moment_to_wait_for_without_a_time_zone_is_taken_as_utc(server, model):
    server.script(rate_limited("Fri, 01 Jan 2100 00:00:00 -0000"))

    _, caught = await text_until(model, ModelRateLimitedError)

    assert caught.retry_after > 10**9


@pytest.mark.parametrize(
    ("behaviour", "error", "transient"),
    [
        (server_error(500), ModelServerError, True),
        (server_error(503), ModelServerError, True),
        (refused(401), ModelRefusedError, False),
        (refused(402), ModelRefusedError, False),
        (refused(403), ModelRefusedError, False),
        (refused(404), ModelRefusedError, False),
        (refused(400, "context too long"), ModelRequestError, False),
        (refused(413), ModelRequestError, False),
        (refused(408), ModelTimeoutError, True),
    ],
)
async def test_each_status_has_its_error_and_is_asked_once(server, model, behaviour, error, transient):
    server.script(behaviour)

    _, caught = await text_until(model, error)

    assert caught.transient is transient
    assert len(server.requests) == 1


async def test_a_kept_connection_that_is_closed_without_an_answer_is_no_failure(server, model):
    server.script(hang_up(), hang_up(), say("Here I am."))

    assert text_of(await reply_of(model)) == "Here I am."


async def test_a_server_that_always_hangs_up_is_unreachable(server, model):
    server.default = hang_up()

    await text_until(model, ModelUnreachableError)

    assert len(server.requests) == 3


async def test_a_page_instead_of_a_stream_is_a_server_error(server, model):
    async def page(exchange):
        await exchange.json("<html>Welcome to the hotel Wi-Fi")

    server.script(page)

    await text_until(model, ModelServerError)


async def test_no_server_and_no_address_are_unreachable():
    with ScriptedModelServer() as server:
        gone = server.url
    for url in (gone, "http://", "localhost:11434", "ftp://127.0.0.1/v1"):
        await text_until(OpenAICompatibleModel(url=url, name="scripted"), ModelUnreachableError)


async def test_a_server_that_refuses_an_option_is_asked_without_it_from_then_on(server, model):
    server.script(
        refused(400, "Unknown parameter: 'stream_options'"),
        refused(400, "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."),
        refused(400, "'temperature' does not support 0.9 with this model."),
    )

    assert text_of(await reply_of(model)) == "I hear you."
    assert text_of(await reply_of(model)) == "I hear you."

    assert len(server.requests) == 5
    assert not {"stream_options", "max_tokens", "temperature"} & set(server.requests[-1].body)
    assert server.requests[-1].body["max_completion_tokens"] == 40


@pytest.mark.parametrize("status", [400, 401, 429, 500])
async def test_the_key_is_in_no_error(server, model, status):
    server.script(refused(status, f"Wrong key {KEY}, in header 'Bearer {KEY}'"), error_in_stream(f"bad key {KEY}"))

    for _ in range(2):
        with pytest.raises(Exception, match="…") as caught:
            await reply_of(model)
        shown = f"{caught.value!r} {caught.value} {vars(caught.value)} {caught.getrepr(style='long')} {model!r}"
        assert KEY not in shown
        assert caught.value.__cause__ is None
