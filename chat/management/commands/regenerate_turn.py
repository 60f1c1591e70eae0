"""`manage.py regenerate_turn`: a character's turn written anew, word by word on the terminal and in open tabs."""

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from channels.layers import get_channel_layer
from django.core.management.base import BaseCommand, CommandError, OutputWrapper

from chat.database import in_thread
from chat.errors import ChatError
from chat.story.models import Chat, Turn
from chat.streaming.wire import Wire
from chat.turns import generation, regenerate
from chat.turns.announce import Chunk, Ended, News


class Command(BaseCommand):
    """Writes a turn anew, as "Rewrite" on the page does; Ctrl-C stops it."""

    help = "Writes a character's turn anew, in its place; what the old one had caused is taken back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which turn, and how it should be."""
        parser.add_argument("turn", type=int, help="the turn's id, as in the address of its “Why”")
        parser.add_argument("--guidance", default="", help="what should be different, e.g. “shorter”")

    def handle(self, *, turn: int, guidance: str, **_: Any) -> None:
        """Exit status 1 when it cannot be written anew, or fails."""
        try:
            ended = asyncio.run(_rewrite(turn, guidance, self.stdout))
        except ChatError as error:
            raise CommandError(error.detail) from None
        if ended.state != "finished":
            raise CommandError(ended.error or f"The new writing was {ended.state}; the old one stands.")


class _Terminal:
    """An announcer that writes what is said, and passes it on to the web processes."""

    def __init__(self, out: OutputWrapper, wire: Wire) -> None:
        self._out, self._wire = out, wire
        self.ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()

    def announce(self, news: News) -> None:
        """Write and pass on."""
        self._wire.tell(news)
        if isinstance(news, Chunk):
            self._out.write(news.text, ending="")
            self._out.flush()
        elif isinstance(news, Ended) and not self.ended.done():
            self._out.write("")
            self.ended.set_result(news)


async def _rewrite(turn_id: int, guidance: str, out: OutputWrapper) -> Ended:
    chat = await in_thread(_chat_of, turn_id)
    wire = Wire(
        get_channel_layer(),
        hear=lambda _: None,
        open_chats=tuple,
        running_here=generation.in_flight_tasks.get,
    )
    tasks = [generation.spawn(wire.listen()), generation.spawn(wire.send())]
    terminal = _Terminal(out, wire)
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, generation.stop_here, chat.id)
    try:
        await regenerate.regenerate_assistant_turn(chat, turn=turn_id, guidance=guidance, announcer=terminal)
        ended = await terminal.ended
        # What follows a reply is this process's to finish too.
        await generation.idle(but=tasks)
    finally:
        for task in tasks:
            task.cancel()
        await wire.close()
    return ended


def _chat_of(turn_id: int) -> Chat:
    try:
        return Turn.objects.select_related("chat").get(id=turn_id).chat
    except Turn.DoesNotExist:
        raise CommandError(f"There is no turn {turn_id}.") from None
