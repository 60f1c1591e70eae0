"""Model servers that already run here are found, and nothing else is taken for one."""

import socket
from contextlib import closing

import pytest

from project.up.neighbours import doubt, look_around, offered_model
from tests.model_server import ScriptedModelServer
from tests.project.starting import Answering

pytestmark = pytest.mark.once


def test_a_server_that_offers_a_model_is_found_with_the_words_that_connect_it(model: ScriptedModelServer):
    port = int(model.url.split(":")[2].split("/")[0])

    (found,) = look_around([("Ollama", port)])

    assert found.name == "Ollama"
    assert found.flags.startswith(f"--model-url {model.url} --model ")


def test_a_port_that_says_nothing_is_left_after_a_moment():
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        assert look_around([("LM Studio", silent.getsockname()[1])]) == []


@pytest.mark.parametrize(
    "body",
    [
        "<html>",
        "[]",
        '{"data": [{"id": "nomic-embed-text"}]}',
        '{"data": [{"id": "x; rm -rf /"}]}',
    ],
)
def test_what_is_no_model_or_unsafe_to_paste_is_not_offered(body):
    with Answering(body) as server:
        assert offered_model(f"http://127.0.0.1:{server.port}/v1") == ""


def test_a_name_that_the_server_does_not_list_is_doubted_aloud():
    with Answering('{"data": [{"id": "llama3.1:8b"}, {"id": "qwen3:latest"}]}') as server:
        url = f"http://127.0.0.1:{server.port}/v1"

        assert doubt(url, "llama3.1:8b") == doubt(url, "qwen3") == ""
        assert "lists llama3.1:8b, qwen3:latest, and not lama3" in doubt(url, "lama3")


def test_a_listed_name_is_not_doubted_whatever_it_is():
    with Answering('{"data": [{"id": "My model (Q4)"}]}') as server:
        assert doubt(f"http://127.0.0.1:{server.port}/v1", "My model (Q4)") == ""


def test_a_server_that_takes_long_to_answer_is_not_called_away():
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        assert "has not said within" in doubt(f"http://127.0.0.1:{silent.getsockname()[1]}/v1", "x", patience=0.1)


def test_a_server_that_is_away_is_said_and_one_without_a_list_is_not_doubted():
    with closing(socket.create_server(("127.0.0.1", 0))) as gone:
        port = gone.getsockname()[1]
    assert "cannot be reached" in doubt(f"http://127.0.0.1:{port}/v1", "x")

    with Answering('{"data": [{"id": "qwen3"}]}') as server:
        assert doubt(f"http://me:swordfish@127.0.0.1:{server.port}/v1", "x").startswith("http://127.0.0.1:")

    with Answering("<html>") as server:
        assert doubt(f"http://127.0.0.1:{server.port}/v1", "x") == ""
