"""`manage.py`, one command after another in one process: starting it takes longer than most of what it is asked.

It reads a line for each command, its words as JSON, and answers with a line: the exit status, and what was printed
on standard output and on standard error.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path

ROOT = Path(__file__).parent.parent


class Console:
    """Such a process."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.console"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> str:
        """`manage.py WORDS`: what it printed. RuntimeError if it fails."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(words), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        status, printed, troubles = json.loads(answer) if answer else (self._process.wait(), "", "It ended.")
        if status:
            raise RuntimeError(f"manage.py {' '.join(words)}: {status}\n{printed}{troubles}")
        return str(printed)

    def close(self) -> None:
        """End it."""
        try:
            self._process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()


def _answer(words: list[str]) -> tuple[int, str, str]:
    from django.core.management import execute_from_command_line  # noqa: PLC0415  (after the settings are named)

    printed, troubles, status = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(troubles):
        try:
            execute_from_command_line(["manage.py", *words])
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
            print(end.code, file=troubles)
        except Exception:  # noqa: BLE001  (whatever it is, the test is to read it)
            status = 1
            traceback.print_exc()
    return status, printed.getvalue(), troubles.getvalue()


def main() -> None:
    """Carry out what comes until nothing more can."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    # Commands, and what they start, read and write elsewhere than here.
    asked, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    for line in asked:
        print(json.dumps(_answer(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
