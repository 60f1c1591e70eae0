"""What the commands say where there is nothing yet that they could work on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.console import ROOT

pytestmark = pytest.mark.once


def manage(*words: str, var: Path, database_url: str = "") -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PALIMPSEST_VAR": str(var), "DATABASE_URL": database_url}
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", ["enter_link", "seed_demo"])
def test_without_tables_one_sentence_says_what_to_do(tmp_path, command):
    ended = manage(command, var=tmp_path)

    said = "The database has no tables yet: start ./run once, or do ./run manage migrate."
    assert ended.returncode == 1
    assert ended.stderr == f"CommandError: {said}\n"


def test_without_a_database_one_sentence_says_so(tmp_path):
    ended = manage("enter_link", var=tmp_path, database_url=f"sqlite:///{tmp_path}/nowhere/db.sqlite3")

    assert ended.returncode == 1
    assert ended.stderr == "CommandError: The database does not answer: unable to open database file\n"
