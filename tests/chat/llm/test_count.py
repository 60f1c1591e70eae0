"""Counting tokens, with and without the endpoint's help."""

import pytest

from chat.llm.client import estimate_tokens
from chat.llm.openai_compatible import OpenAICompatibleModel
from tests.model_server import ScriptedModelServer

TEXTS = ["one two three", "four", "one two three", ""]


@pytest.fixture
def tokenizing():
    with ScriptedModelServer(tokenizer=lambda text: len(text.split()) + 100) as server:
        yield server


async def test_the_endpoints_tokenizer_counts_and_each_text_is_asked_about_once(tokenizing):
    model = OpenAICompatibleModel(url=tokenizing.url, name="scripted")

    assert await model.count(TEXTS) == [103, 101, 103, 0]
    assert await model.count(["four"]) == [101]

    assert [request.path for request in tokenizing.other_requests] == ["/tokenize"] * 2
    assert {request.body["content"] for request in tokenizing.other_requests} == {"one two three", "four"}


async def test_an_endpoint_without_a_tokenizer_is_asked_once_and_then_estimated(server, model):
    assert await model.count(TEXTS) == [4, 1, 4, 0]
    assert await model.count(["another"]) == [2]

    assert [request.path for request in server.other_requests] == ["/tokenize"]


async def test_an_endpoint_that_is_away_is_estimated_and_asked_again_later(tokenizing):
    model = OpenAICompatibleModel(url=tokenizing.url, name="later")
    tokenizer, tokenizing.tokenizer = tokenizing.tokenizer, lambda _: 1 // 0

    assert await model.count(["four"]) == [1]

    tokenizing.tokenizer = tokenizer
    model._wire.endpoint.tokenizer_from = 0.0
    assert await model.count(["four"]) == [101]


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("a", 1), ("four", 1), ("fives", 2), ("世界", 2), ("naïve — yes", 5)]
)
def test_the_estimate_is_four_ascii_letters_or_one_other_to_a_token(text, tokens):
    assert estimate_tokens(text) == tokens
