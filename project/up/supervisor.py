"""Starts the children in order, says when the page is served, and ends them all within five seconds."""

import asyncio
import signal
from collections.abc import Iterable

from project.up.child_process import Child, Recipe
from project.up.errors import CannotStartError
from project.up.journal import Journal
from project.up.recipes import Household

#: A web process that dies this often before it served a page will not come up by itself.
TOO_MANY_DEATHS = 3
#: Seconds from the signal: the web settles its stories, then what it leans on goes, then nobody is asked.
PATIENCE, LAST_PATIENCE = 3.7, 4.1


class Supervisor:
    """Everything that `up` runs; one object per start."""

    def __init__(self, household: Household, journal: Journal) -> None:
        self._household = household
        self._journal = journal
        self._children: dict[str, Child] = {}
        self._lives: dict[str, asyncio.Task[None]] = {}
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Start all, wait for a signal, end all. Raises CannotStartError if no page could be served."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop.set)
        started = asyncio.create_task(self._start())
        stopped = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait([started, stopped], return_when=asyncio.FIRST_COMPLETED)
            if started.done():
                started.result()
                await stopped
            started.cancel()
        finally:
            await self._end()

    async def _start(self) -> None:
        household = self._household
        if household.valkey:
            self._bring_up(household.valkey)
            await _until_there(household.valkey_answers)
        with self._journal.working("waiting for the page to be served"):
            web = self._bring_up(household.web)
            while not await _answers(household.address):
                if web.deaths >= TOO_MANY_DEATHS:
                    raise CannotStartError("The web server does not start: its lines above say why.")
                await asyncio.sleep(0.05)
        await asyncio.to_thread(household.welcome)
        # After the page: on two cores each of these would delay it.
        for recipe in household.others:
            self._bring_up(recipe)
        if model := self._children.get("model"):
            await model.ready.wait()
            # The link stays the last line, below what the model had to say.
            await asyncio.to_thread(household.welcome)

    def _bring_up(self, recipe: Recipe) -> Child:
        child = self._children[recipe.name] = Child(recipe, self._journal)
        self._lives[recipe.name] = asyncio.create_task(child.keep_alive())
        return child

    async def _end(self) -> None:
        self._journal.say("stopping …")
        loop = asyncio.get_running_loop()
        told_at = loop.time()
        leaned_on = {"valkey", "model"} & self._children.keys()
        await self._tell(self._children.keys() - leaned_on, until=told_at + PATIENCE)
        await self._tell(leaned_on, until=told_at + LAST_PATIENCE)
        for child in self._children.values():
            child.send(signal.SIGKILL)
        if self._lives:
            await asyncio.wait(self._lives.values())
        self._journal.say("stopped")

    async def _tell(self, names: Iterable[str], *, until: float) -> None:
        lives = [self._lives[name] for name in names]
        for name in names:
            self._children[name].end()
        if lives:
            await asyncio.wait(lives, timeout=max(until - asyncio.get_running_loop().time(), 0.1))


async def _until_there(answers: str, *, patience: float = 5.0) -> None:
    """Wait until a UNIX socket takes connections; whoever needs it also comes to terms with its absence."""
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + patience
    while loop.time() < give_up_at:
        try:
            _, writer = await asyncio.open_unix_connection(answers)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return


async def _answers(address: tuple[str, int]) -> bool:
    """Whether GET /healthz is answered with 200."""
    try:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        status = await asyncio.wait_for(reader.readline(), 5.0)
        writer.close()
    except (OSError, TimeoutError):
        return False
    return b" 200 " in status
