"""`manage.py`, one command after another in one process: starting it takes longer than most of what it is asked.

It reads a line for each command, its words as JSON, and answers with a line: the exit status, and what was printed.
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

    def run(self, *words: str) -> tuple[int, str]:
        """`manage.py WORDS`: its exit status, and what it printed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(words), file=self._process.stdin, flush=True)
        status, printed = json.loads(self._process.stdout.readline())
        return status, printed

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def _answer(words: list[str]) -> tuple[int, str]:
    from django.core.management import execute_from_command_line  # noqa: PLC0415  (after the settings are named)

    printed, status = io.StringIO(), 0
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            execute_from_command_line(["manage.py", *words])
        except SystemExit as end:
            status = int(end.code or 0)
        except Exception:  # noqa: BLE001  (whatever it is, the test is to read it)
            status = 1
            traceback.print_exc()
    return status, printed.getvalue()


def main() -> None:
    """Carry out what comes until nothing more can."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    answers = sys.stdout
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
