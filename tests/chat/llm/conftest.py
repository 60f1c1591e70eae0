"""A scripted server, and a client for it."""

from collections.abc import Iterator

import pytest

from chat.llm.openai_compatible import OpenAICompatibleModel
from tests.chat.llm.listening import KEY
from tests.model_server import ScriptedModelServer


@pytest.fixture
def server() -> Iterator[ScriptedModelServer]:
    with ScriptedModelServer() as server:
        yield server


@pytest.fixture
def model(server) -> OpenAICompatibleModel:
    return OpenAICompatibleModel(url=server.url, name="scripted", key=KEY)
