"""A command that must not outlive its supervisor, on systems whose kernel does not see to it."""

import signal
import subprocess
import sys

import pytest

from tests.console import ROOT
from tests.project.starting import all_gone

pytestmark = pytest.mark.once
WATCHED = "import sys; from project.up import child; sys.exit(child._stand_beside(sys.argv[1:]))"
TELLS_ITS_ID = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"


def stand_beside() -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", WATCHED, sys.executable, "-c", TELLS_ITS_ID],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_when_the_supervisor_dies_its_pipe_closes_and_the_command_is_killed():
    with stand_beside() as watcher:
        assert watcher.stdout
        assert watcher.stdin
        command = int(watcher.stdout.readline())

        watcher.stdin.close()

        all_gone([command])


def test_a_signal_reaches_the_command_and_its_end_is_handed_on():
    with stand_beside() as watcher:
        assert watcher.stdout
        watcher.stdout.readline()

        watcher.send_signal(signal.SIGTERM)

        assert watcher.wait(10) == 128 + signal.SIGTERM
