"""One process that is kept running: started, listened to, started again when it dies, ended when told."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from project.up import child
from project.up.journal import Journal

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
#: Seconds after which a process counts as having worked: its next death starts the pauses anew.
LONG_LIFE = 60.0
#: Seconds that the output of a dead process is waited for, should something else hold its pipe.
LAST_WORDS = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How to start a child: its name in the log, its command, and the environment it gets."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)  # holds keys
    folder: Path
    #: Lines with these words are left out.
    unsaid: tuple[str, ...] = ()
    #: It says these words once it does its work.
    ready_words: str = ""


class Child:
    """A recipe being followed."""

    def __init__(self, recipe: Recipe, journal: Journal) -> None:
        self.name = recipe.name
        self.deaths = 0
        self.ready = asyncio.Event()
        self._recipe = recipe
        self._journal = journal
        self._process: asyncio.subprocess.Process | None = None
        self._told_to_end = asyncio.Event()

    async def keep_alive(self) -> None:
        """Run until `end` was called, with growing pauses between a death and the next start."""
        clock = asyncio.get_running_loop().time
        pause = FIRST_PAUSE
        while not self._told_to_end.is_set():
            started_at = clock()
            code = await self._live()
            if self._told_to_end.is_set():
                return
            self.deaths += 1
            if clock() - started_at >= LONG_LIFE:
                pause = FIRST_PAUSE
            self._journal.line(self.name, f"{_death(code)}; starting it again in {pause:g} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told_to_end.wait(), pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _live(self) -> int:
        watched = (sys.executable, "-I", "-S", child.__file__, str(os.getpid()))
        self._process = await asyncio.create_subprocess_exec(
            *watched,
            *self._recipe.command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self._recipe.environment,
            cwd=self._recipe.folder,
            # A group of its own: Ctrl-C is ours to pass on, in the right order.
            start_new_session=True,
        )
        if self._told_to_end.is_set():
            self.send(signal.SIGTERM)
        listening = asyncio.create_task(self._listen(self._process))
        code = await self._process.wait()
        await asyncio.wait([listening], timeout=LAST_WORDS)
        listening.cancel()
        return code

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101  (it was asked for)
        rest = b""
        while chunk := await process.stdout.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._say(line)
        if rest:
            self._say(rest)

    def _say(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip()
        if text and not any(words in text for words in self._recipe.unsaid):
            self._journal.line(self.name, text)
        if self._recipe.ready_words and self._recipe.ready_words in text:
            self.ready.set()

    def end(self) -> None:
        """Ask it to end, and do not start it again."""
        self._told_to_end.set()
        self.send(signal.SIGTERM)

    def send(self, number: signal.Signals) -> None:
        """Signal the process and all that it started; nothing if it is gone."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)


def _death(code: int) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with status {code}"
