"""The options of a start: who is stronger, what is kept, and what must be forgotten."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from project.settings import _kept_options
from project.up.errors import CannotStartError
from project.up.options import Options, decide, keep

pytestmark = pytest.mark.once
CONNECTED = Options(model_url="http://127.0.0.1:11434/v1", model="gemma", model_key="secret")


def test_what_is_given_now_is_stronger_than_what_was_kept():
    decided = decide(Options(port=9000, host="::1"), given={"port": 9001, "host": None})

    assert (decided.port, decided.host) == (9001, "::1")


def test_another_server_gets_neither_the_key_nor_the_name_of_the_last_one():
    decided = decide(CONNECTED, given={"model_url": "http://10.0.0.7/v1"})

    assert (decided.model, decided.model_key) == ("", "")


def test_another_model_of_the_same_server_keeps_the_key():
    decided = decide(CONNECTED, given={"model": "qwen"})

    assert (decided.model_url, decided.model, decided.model_key) == (CONNECTED.model_url, "qwen", "secret")


@pytest.mark.parametrize("word", ["none", "builtin"])
def test_no_model_and_the_builtin_one_forget_the_server(word):
    decided = decide(CONNECTED, given={"model": word})

    assert (decided.model_url, decided.model_key) == ("", "")
    assert decided.brings_model == (word == "builtin")


@pytest.mark.parametrize("url", ["foo", "127.0.0.1:11434/v1", "localhost:8080", "http://", "http://x:port/v1"])
def test_what_is_no_address_of_a_server_is_refused_before_it_is_kept(url):
    with pytest.raises(CannotStartError, match="no server's address"):
        decide(Options(), given={"model_url": url, "model": "x"})


def test_a_refused_address_is_said_without_its_password():
    with pytest.raises(CannotStartError, match="'ftp://host/v1' is no server's address"):
        decide(Options(), given={"model_url": "ftp://me:swordfish@host/v1", "model": "x"})


def test_a_model_without_a_server_is_refused():
    with pytest.raises(CannotStartError, match="--model-url"):
        decide(Options(), given={"model": "gemma"})


def test_only_the_owner_can_read_what_is_kept(tmp_path: Path):
    path = tmp_path / "options.json"
    path.write_text("{}")
    path.chmod(0o644)

    keep(CONNECTED, path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_was_kept_is_there_at_the_next_start(tmp_path: Path):
    path = tmp_path / "options.json"

    keep(Options(port=9000, no_demo=True), path)

    assert _kept_options(path) == {"PORT": "9000", "NO_DEMO": "True"}


def test_a_server_named_by_the_environment_does_not_get_the_kept_key(tmp_path: Path, monkeypatch):
    path = tmp_path / "options.json"
    keep(CONNECTED, path)
    monkeypatch.setenv("PALIMPSEST_MODEL_URL", "http://10.0.0.7/v1")

    assert _kept_options(path) == {}


def test_rubbish_in_the_file_is_no_obstacle(tmp_path: Path):
    path = tmp_path / "options.json"
    for rubbish in ("", "{", json.dumps([1])):
        path.write_text(rubbish)

        assert _kept_options(path) == {}


@pytest.mark.parametrize(
    ("named", "sent"),
    [
        ({"PALIMPSEST_READER_URL": "http://10.0.0.8/v1"}, ""),
        ({"PALIMPSEST_READER_URL": "http://10.0.0.8/v1", "PALIMPSEST_READER_KEY": "sk-reads"}, "sk-reads"),
        ({"PALIMPSEST_READER_MODEL": "larger"}, "sk-plays"),
        ({}, "sk-plays"),
    ],
)
def test_a_server_that_reads_gets_no_key_of_the_one_that_plays(tmp_path: Path, named: dict[str, str], sent: str):
    plays = {"PALIMPSEST_MODEL_URL": "http://10.0.0.7/v1", "PALIMPSEST_MODEL": "m", "PALIMPSEST_MODEL_KEY": "sk-plays"}
    others = {name: value for name, value in os.environ.items() if not name.startswith("PALIMPSEST_")}
    told = {**others, **plays, **named, "PALIMPSEST_VAR": str(tmp_path)}
    ask = "from project import settings; print(settings.READER_KEY)"

    assert subprocess.check_output([sys.executable, "-c", ask], env=told, text=True).strip() == sent
