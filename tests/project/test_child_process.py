"""One child: what it says is named, and it is started again when it dies."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from project.up.child_process import Child, Recipe
from project.up.journal import Journal
from tests.project.starting import all_gone

pytestmark = pytest.mark.once


class Said:
    """Collects lines, and waits for one."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._more = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def __call__(self, text: str) -> None:
        self.lines.append(text)
        self._loop.call_soon_threadsafe(self._more.set)

    async def until(self, words: str, *, times: int = 1) -> None:
        async with asyncio.timeout(20):
            while sum(words in line for line in self.lines) < times:
                self._more.clear()
                await self._more.wait()


def child_of(said: Said, code: str, *, unsaid: tuple[str, ...] = ()) -> Child:
    recipe = Recipe(
        name="web",
        command=(sys.executable, "-u", "-c", code),
        environment=dict(os.environ),
        folder=Path.cwd(),
        unsaid=unsaid,
    )
    return Child(recipe, Journal(said, coloured=False))


async def test_each_line_is_said_under_the_childs_name():
    said = Said()
    child = child_of(
        said, "print('one\\n\\n' + 'ü' * 100_000 + '\\nsecret'); import time; time.sleep(60)", unsaid=("secret",)
    )
    life = asyncio.create_task(child.keep_alive())

    await said.until("üü")
    child.end()
    await life

    assert said.lines[0] == "web         │ one"
    assert said.lines[1].count("ü") == 100_000
    assert not any("secret" in line for line in said.lines)


async def test_a_child_that_dies_is_started_again_and_it_is_said():
    said = Said()
    child = child_of(said, "import os; print('hello'); os._exit(3)")
    life = asyncio.create_task(child.keep_alive())

    await said.until("hello", times=2)
    child.end()
    await life

    assert "web         │ ended with status 3; starting it again in 0.5 s" in said.lines


async def test_pauses_grow_while_it_keeps_dying():
    said = Said()
    child = child_of(said, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    life = asyncio.create_task(child.keep_alive())

    await said.until("starting it again", times=2)
    child.end()
    await life

    assert said.lines[0].endswith("was killed by SIGKILL; starting it again in 0.5 s")
    assert said.lines[1].endswith("starting it again in 1 s")


async def test_a_child_that_was_told_to_end_is_not_started_again():
    said = Said()
    child = child_of(said, "print('hello'); import time; time.sleep(60)")
    life = asyncio.create_task(child.keep_alive())
    await said.until("hello")

    child.end()
    await life

    assert len(said.lines) == 1


async def test_a_child_that_will_not_end_can_be_killed_with_all_it_started():
    said = Said()
    child = child_of(
        said,
        "import signal, subprocess, sys\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "grandchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print('grandchild', grandchild.pid); grandchild.wait()",
    )
    life = asyncio.create_task(child.keep_alive())
    await said.until("grandchild")
    grandchild = int(said.lines[0].split()[-1])

    child.end()
    child.send(signal.SIGKILL)
    await life

    await asyncio.to_thread(all_gone, [grandchild])
