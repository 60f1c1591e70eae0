"""`manage.py regenerate_turn`: a character's turn written anew, word by word on the terminal and in open tabs."""

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from channels.layers import get_channel_layer
from django.core.management.base import CommandError, CommandParser, OutputWrapper

from agent.management.door import USAGE, Door, common, operator, told
from agent.operations.operator import Operator
from agent.operations.regenerate import RegenerateTurn, regenerate_turn
from agent.operations.registering import Decided
from agent.operations.turn import chat_of
from chat.database import in_thread
from chat.story.models import Chat, Turn
from chat.streaming.wire import Wire
from chat.turns import generation, undoing
from chat.turns.announce import Announcer, Chunk, Ended, News, Started
from chat.turns.regenerate import regenerate_assistant_turn

type Begin = Callable[[Announcer], Awaitable[Decided | None]]


class Command(Door):
    """Writes a turn anew, as "Rewrite" on the page does; Ctrl-C stops it."""

    asks = RegenerateTurn
    help = (
        "Write a character's turn anew, in its place; what the old one had caused is taken back. With --as-user and "
        "--reason it is an operator's act, with a Decision on record; without, the doing of who has this machine."
    )
    needs_user = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Which turn, and how it should be."""
        parser.add_argument("turn", type=int, help="the turn's id, as in the address of its “Why”")
        parser.add_argument("--guidance", default="", help="what should be different, e.g. “shorter”")
        super().add_arguments(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        """Exit status 1 when the new writing fails or is stopped; else as every operation's command."""
        begin = self._as_operator(options) if options["as_user"] else self._as_owner(options)
        out = self.stdout if options["format"] == "text" else None
        decided, ended = self.answered(lambda: asyncio.run(_write(begin, out)), options)
        self.stdout.write(_said(decided, ended, options["format"]))
        if out is not None and ended is not None and ended.state == "finished":
            self.stderr.write(f"It stands as turn {ended.turn}. {_went(options['turn'])}".rstrip())
        if ended is not None and ended.state != "finished":
            raise CommandError(ended.error or f"The new writing was {ended.state}; the old one stands.")

    def _as_operator(self, options: dict[str, Any]) -> Begin:
        if options["reason"] is None:
            raise CommandError("Give a reason: --reason TEXT.", returncode=USAGE)
        by: Operator = operator(options["as_user"])
        command = RegenerateTurn(turn_id=options["turn"], guidance=options["guidance"], **common(options))
        return lambda announcer: regenerate_turn(command, by=by, announcer=announcer)

    def _as_owner(self, options: dict[str, Any]) -> Begin:
        if options["reason"] is not None or options["preset"] or options["key"] is not None:
            raise CommandError("A reason is an operator's: say who, with --as-user NAME.", returncode=USAGE)

        async def begin(announcer: Announcer) -> None:
            chat = await in_thread(chat_of, options["turn"])
            if goes := await in_thread(_goes, chat, options["turn"]):
                self.stderr.write(f"{goes} will go with it.")
            await regenerate_assistant_turn(
                chat, turn=options["turn"], guidance=options["guidance"], announcer=announcer
            )

        return begin


class _Terminal:
    """An announcer that writes what is said, and passes it on to the web processes."""

    def __init__(self, out: OutputWrapper | None, wire: Wire) -> None:
        self._out, self._wire = out, wire
        #: How the new writing itself ended, not what followed it.
        self.ended: Ended | None = None

    def announce(self, news: News) -> None:
        """Write and pass on."""
        self._wire.tell(news)
        if isinstance(news, Started) and self._out is not None:
            self._out.write(f"{news.speaker_name}: ", ending="")
        elif isinstance(news, Chunk) and self._out is not None:
            self._out.write(news.text, ending="")
            self._out.flush()
        elif isinstance(news, Ended):
            self.ended = self.ended or news
            if self._out is not None:
                self._out.write("")


async def _write(begin: Begin, out: OutputWrapper | None) -> tuple[Decided | None, Ended | None]:
    wire = Wire(
        get_channel_layer(),
        hear=lambda _: None,
        open_chats=tuple,
        running_here=generation.in_flight_tasks.get,
    )
    tasks = [generation.spawn(wire.listen()), generation.spawn(wire.send())]
    terminal = _Terminal(out, wire)
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, _stop)
    try:
        decided = await begin(terminal)
        # What follows a reply is this process's to finish too.
        await generation.idle(but=tasks)
    finally:
        for task in tasks:
            task.cancel()
        await wire.close()
    return decided, terminal.ended


def _goes(chat: Chat, turn: int) -> str:
    """What will be undone, counted; "" for nothing, and for what cannot be rewritten."""
    standing = chat.turns.live().filter(id=turn, kind=Turn.Kind.ASSISTANT).first()
    return undoing.undone(chat, standing).goes if standing else ""


def _went(turn: int) -> str:
    return undoing.what_went(Turn.objects.select_related("chat").get(id=turn))


def _stop() -> None:
    for chat in tuple(generation.in_flight_tasks):
        generation.stop_here(chat)


def _said(decided: Decided | None, ended: Ended | None, how: str) -> str:
    if how == "text":
        return told(decided) if decided else ""
    return json.dumps(decided.as_json() if decided else asdict(ended) if ended else {}, indent=2)
