"""A scripted server, and a client for it."""

from collections.abc import Iterator

import pytest

from chat.llm.client import Message, Prompt
from chat.llm.openai_compatible import OpenAICompatibleModel
from tests.model_server import ScriptedModelServer

KEY = "sk-0123456789-very-secret"
PROMPT = Prompt(messages=(Message(role="user", content="Good evening."),), max_tokens=40)


@pytest.fixture
def server() -> Iterator[ScriptedModelServer]:
    with ScriptedModelServer() as server:
        yield server


@pytest.fixture
def model(server) -> OpenAICompatibleModel:
    return OpenAICompatibleModel(url=server.url, name="scripted", key=KEY)
