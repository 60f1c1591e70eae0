"""Answers in JSON: the ladder, the repair, and what the server is sent."""

import asyncio
from typing import Literal

import pytest
from pydantic import BaseModel, Field

from chat.llm.client import Message, Prompt
from chat.llm.errors import ModelOutputError, ModelRateLimitedError, ModelServerError, ModelTimeoutError
from chat.llm.openai_compatible import Patience
from chat.llm.structured import strict_schema
from tests.chat.llm.listening import PROMPT
from tests.model_server import answer_json, nothing, rate_limited, refused, say, server_error


class Place(BaseModel):
    name: str


class Verdict(BaseModel):
    speaks: bool
    who: str | None = None
    mood: Literal["calm", "cross"] = "calm"
    where: Place = Field(default=Place(name="here"), description="Where it is said.")


RIGHT = {"speaks": True, "who": "Ilse", "mood": "cross", "where": {"name": "the stairs"}}


def forms(server):
    return [request.body.get("response_format", {}).get("type") for request in server.requests]


async def test_an_answer_comes_back_validated(server, model):
    server.script(answer_json(RIGHT))

    verdict = await model.structured(PROMPT, Verdict)

    assert verdict == Verdict(speaks=True, who="Ilse", mood="cross", where=Place(name="the stairs"))
    assert "stream" not in server.requests[0].body


async def test_the_schema_is_nested_and_strict(server, model):
    server.script(answer_json(RIGHT))
    await model.structured(PROMPT, Verdict)

    form = server.wait_for_request(1).body["response_format"]

    assert form["type"] == "json_schema"
    assert form["json_schema"]["strict"] is True
    schema = form["json_schema"]["schema"]
    assert schema["required"] == ["speaks", "who", "mood", "where"]
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Place"]["additionalProperties"] is False
    assert schema["properties"]["where"] == {"$ref": "#/$defs/Place"}
    assert "default" not in schema["properties"]["mood"]
    assert strict_schema(Verdict) == schema


async def test_a_server_that_refuses_a_rung_is_asked_on_the_next_and_from_then_on_there(server, model):
    server.script(refused(400, "no such response_format"), refused(422), answer_json(RIGHT), answer_json(RIGHT))

    await model.structured(PROMPT, Verdict)
    await model.structured(PROMPT, Verdict)

    assert forms(server) == ["json_schema", "json_object", None, None]


async def test_a_server_that_cannot_make_a_grammar_is_asked_on_the_next_rung(server, model):
    server.script(refused(500, "failed to parse grammar"), answer_json(RIGHT))

    await model.structured(PROMPT, Verdict)

    assert forms(server) == ["json_schema", "json_object"]


@pytest.mark.parametrize(
    "wrong",
    ['{"speaks": "perhaps", "mood": "sad"}', "I would rather not say.", '{"speaks": true, "who":', ""],
)
async def test_a_wrong_answer_is_sent_back_once_with_what_is_wrong(server, model, wrong):
    server.script(say(wrong), answer_json(RIGHT))

    verdict = await model.structured(PROMPT, Verdict)

    assert verdict.who == "Ilse"
    first, second = server.requests[0].body["messages"], server.requests[1].body["messages"]
    assert second[: len(first)] == first
    assert [message["role"] for message in second[len(first) :]] == ["assistant", "user"]
    assert "does not match" in second[-1]["content"]


async def test_the_complaint_names_the_places(server, model):
    server.script(say('{"speaks": "perhaps", "mood": "sad"}'), answer_json(RIGHT))
    await model.structured(PROMPT, Verdict)

    complaint = server.requests[1].body["messages"][-1]["content"]

    assert "speaks:" in complaint
    assert "mood:" in complaint


async def test_twice_wrong_is_an_error(server, model):
    server.script(say("No."), say("Still no."))

    with pytest.raises(ModelOutputError, match="no JSON object") as caught:
        await model.structured(PROMPT, Verdict)

    assert not caught.value.transient
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "wrapped",
    ["```json\n{}\n```", "<think>{ hm }</think>\n{}", "Here you are: {} I hope it helps."],
)
async def test_an_answer_in_a_wrapping_is_found(server, model, wrapped):
    server.script(say(wrapped.replace("{}", '{"speaks": false}')))

    assert (await model.structured(PROMPT, Verdict)).speaks is False
    assert len(server.requests) == 1


async def test_the_wish_goes_into_the_last_words_of_the_user(server, model):
    server.default = answer_json(RIGHT)
    system, assistant = Message(role="system", content="Be brief."), Message(role="assistant", content="Yes?")
    await model.structured(Prompt(messages=(system, *PROMPT.messages), max_tokens=9), Verdict)
    await model.structured(Prompt(messages=(*PROMPT.messages, assistant), max_tokens=9), Verdict)

    first, second = (request.body["messages"] for request in server.requests)

    assert [message["role"] for message in first] == ["system", "user"]
    assert first[1]["content"].startswith("Good evening.\n\nAnswer with one JSON object")
    assert [message["role"] for message in second] == ["user", "assistant", "user"]


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [(server_error(), ModelServerError), (rate_limited(1), ModelRateLimitedError), (nothing(), ModelTimeoutError)],
)
async def test_an_outage_is_no_reason_to_climb_down(server, model, behaviour, error):
    server.script(behaviour, answer_json(RIGHT))

    model.patience = Patience(whole_answer=0.5)
    with pytest.raises(error):
        await model.structured(PROMPT, Verdict)
    model.patience = Patience()
    await model.structured(PROMPT, Verdict)

    assert forms(server) == ["json_schema", "json_schema"]


async def test_cancelling_closes_the_connection_at_once(server, model):
    server.script(nothing())
    task = asyncio.create_task(model.structured(PROMPT, Verdict))
    await asyncio.to_thread(server.wait_for_request, 1)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(server.wait_for_disconnect, timeout=1)
