"""`manage.py check_log`: the law. Rebuilding every folded table from the log gives exactly the live tables."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand

from chat.log.models import Event, Stream
from chat.story.models import Chat, stream_of
from chat.story.rebuild import Difference, differences

BATCH = 1000


class Command(BaseCommand):
    """Rebuilds in a transaction that is taken back, stream by stream, and compares."""

    help = "Checks that the tables say what the log says; exit status 1 and the differences otherwise."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One chat, or all."""
        parser.add_argument("--chat", type=int, metavar="ID", help="only this chat")

    def handle(self, *, chat: int | None, **_: Any) -> None:
        """Check, and say how it went."""
        streams = Stream.objects.order_by("id")
        if chat is not None:
            streams = streams.filter(name=stream_of(chat))
        checked = wrong = 0
        for stream in streams.iterator(chunk_size=BATCH):
            checked += 1
            for sentence in [*_gaps(stream), *_strays(stream)]:
                wrong += 1
                self.stdout.write(f"{stream.name}: {sentence}")
        strays = Chat.objects.exclude(id__in=Stream.objects.values("id"))
        for stray in strays if chat is None else Chat.objects.none():
            wrong += 1
            self.stdout.write(f"Chat {stray.pk} is not in the log.")
        if wrong:
            self.stderr.write(f"{wrong} differences in {checked} streams: the tables do not say what the log says.")
            sys.exit(1)
        self.stdout.write(f"{checked} streams checked: the tables say what the log says.")


def _gaps(stream: Stream) -> Iterator[str]:
    """Versions count from 1 without a gap, positions rise with them, and the stream's row knows the last of both."""
    expected, last, head = 0, 0, 0
    # Written after the row that was read before: what is appended meanwhile only adds to it.
    events = Event.objects.filter(stream=stream).order_by("version").values_list("version", "position")
    for version, position in events.iterator(chunk_size=BATCH):
        expected += 1
        if version != expected:
            yield f"version {expected} is missing"
            expected = version
        if position <= last:
            yield f"position {position} (version {version}) does not come after {last}"
        last = position
        head = position if version == stream.version else head
    if head != stream.head:
        yield f"its row says version {stream.version} at {stream.head}; the log has {expected} at {last}"


def _strays(stream: Stream) -> Iterator[str]:
    """The rows that are not what the log says."""
    if stream.name != stream_of(stream.pk):
        return
    if not Event.objects.filter(stream=stream).exists() and not Chat.objects.filter(id=stream.pk).exists():
        return
    for difference in differences(stream.pk):
        yield _sentence(difference)


def _sentence(difference: Difference) -> str:
    row = difference.live or difference.rebuilt or {}
    name = f"{difference.table} {row.get('id', '')}".strip()
    if difference.live is None:
        return f"{name} is missing; the log says {difference.rebuilt}"
    if difference.rebuilt is None:
        return f"{name} is not in the log: {difference.live}"
    return f"{name} is {difference.live}; the log says {difference.rebuilt}"
