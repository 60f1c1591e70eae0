"""`manage.py up`: one clear sentence when it cannot start, nothing left behind when it ends."""

import json
import os
import signal
import socket
from contextlib import closing
from pathlib import Path

import pytest

from project.management.commands.up import Command
from tests.project.starting import Up, all_gone
from tests.servers import eventually

pytestmark = pytest.mark.once
LITTLE = ("--port", "0", "--no-demo", "--model", "none")


@pytest.fixture
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("u")


def refusal(var: Path, *words: str, **environment: str) -> str:
    """The one line it said before it ended with status 1."""
    with Up(var, *words, **environment) as up:
        assert up.process.wait(60) == 1
        with pytest.raises(AssertionError):
            up.until("nothing says this")
    assert len(up.lines) == 1, up.lines
    return up.lines[0]


def test_a_port_that_is_taken_is_said(var: Path):
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = str(other.getsockname()[1])

        assert refusal(var, "--port", port) == (
            f"Port {port} on 127.0.0.1 is taken: stop what listens there, or choose another with --port."
        )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--port", "abc"), "--port: 'abc' is no port: choose one from 1 to 65535, or 0 for any that is free."),
        (("--port", "99999"), "--port: '99999' is no port: choose one from 1 to 65535, or 0 for any that is free."),
        (("--port",), "--port: expected one argument"),
        (
            ("--prot", "8001"),
            "There is no option --prot 8001; ./run takes --host --port --no-demo --model-url --model --model-key.",
        ),
    ],
)
def test_an_option_that_cannot_be_read_is_one_sentence(words: tuple[str, ...], sentence: str, capfd):
    with pytest.raises(SystemExit) as refused:
        Command().run_from_argv(["manage.py", "up", *words])

    assert (refused.value.code, capfd.readouterr().err) == (2, f"{sentence}\n")


def test_an_address_of_another_machine_is_said(var: Path):
    assert "choose an address of this machine with --host" in refusal(var, "--host", "192.0.2.1")


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path):
    blocked = tmp_path / "var"
    blocked.write_text("a file stands in the way")

    assert "cannot write to" in refusal(blocked)


def test_a_migration_that_fails_is_said(var: Path):
    (var / "palimpsest.sqlite3").write_bytes(b"this is no database, and it is long enough to be read as one" * 20)

    assert "The database could not be brought up to date: file is not a database" in refusal(var, *LITTLE)


def test_all_of_it_comes_up_serves_and_ends_within_five_seconds(var: Path):
    with Up(var, *LITTLE) as up:
        up.link()
        children = up.children()
        assert {"valkey-server", "serve"} <= children.keys()

        assert up.end() < 5

        assert up.process.returncode == 0
        all_gone(list(children.values()))


def test_a_second_one_on_the_same_folder_is_refused(var: Path):
    with Up(var, *LITTLE) as up:
        up.link()

        assert f"already runs on {var} (process {up.process.pid})" in refusal(var, *LITTLE)


def test_kill_9_leaves_no_children_and_the_next_start_works(var: Path):
    with Up(var, *LITTLE) as up:
        up.link()
        children = up.children()
        up.process.send_signal(signal.SIGKILL)

        all_gone(list(children.values()))

    assert (var / "valkey.sock").exists()  # left behind, and no obstacle
    with Up(var, *LITTLE) as up:
        up.link()


@pytest.mark.parametrize("name", ["serve", "valkey-server"])
def test_a_child_that_was_killed_is_started_again(var: Path, name: str):
    with Up(var, *LITTLE) as up:
        up.link()
        killed = up.children()[name]
        os.kill(killed, signal.SIGKILL)

        up.until("was killed by SIGKILL; starting it again in 0.5 s")

        eventually(lambda: up.children().get(name, killed) != killed, what="a new one")


def test_a_server_without_a_model_is_said_without_its_password(var: Path):
    with Up(var, "--port", "0", "--model-url", "http://me:swordfish@127.0.0.1:9/v1") as up:
        up.until("http://127.0.0.1:9/v1 offers no model by itself")

        assert up.process.wait(60) == 1
    assert not any("swordfish" in line for line in up.lines)


def test_options_are_kept_for_the_next_start_and_no_secret_is_said(var: Path):
    given = ("--port", "0", "--no-demo", "--model-url", "http://me:swordfish@127.0.0.1:9/v1", "--model", "gemma")
    with Up(var, *given, "--model-key", "sk-secret") as up:
        up.link()
        up.end()
        with pytest.raises(AssertionError):
            up.until("nothing says this")

    kept = json.loads((var / "options.json").read_text())
    assert (kept["MODEL"], kept["MODEL_KEY"], kept["PORT"]) == ("gemma", "sk-secret", "0")
    assert any("gemma at http://127.0.0.1:9/v1 plays." in line for line in up.lines)
    assert not any("sk-secret" in line or "swordfish" in line for line in up.lines)
    with Up(var) as up:  # the same again: no built-in model is brought
        up.link()
        assert "builtin_server" not in up.children()
