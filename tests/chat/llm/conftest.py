"""A scripted server, and a client for it that loses patience soon."""

from collections.abc import Iterator

import pytest

from chat.llm.client import Message, Prompt
from chat.llm.openai_compatible import OpenAICompatibleModel, Patience
from tests.model_server import ScriptedModelServer

KEY = "sk-0123456789-very-secret"
HASTE = Patience(connect=1.0, first_token=0.4, between_tokens=0.3, after_finish=0.2, whole_answer=0.4, small_answer=0.4)
PROMPT = Prompt(messages=(Message(role="user", content="Good evening."),), max_tokens=40)


@pytest.fixture
def server() -> Iterator[ScriptedModelServer]:
    with ScriptedModelServer() as server:
        yield server


@pytest.fixture
def model(server) -> OpenAICompatibleModel:
    return OpenAICompatibleModel(url=server.url, name="scripted", key=KEY, patience=HASTE)
