"""`manage.py check_log`: the law. Rebuilding every folded table from the log gives exactly the live tables."""

import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.text import Truncator

from chat.log.models import Event, Stream
from chat.story.models import Chat, stream_of
from chat.story.rebuild import Difference, differences
from chat.story.rebuild import rebuild as rebuild_tables

BATCH = 1000
#: Of a value that differs, so much is shown.
VALUE_CHARACTERS = 200
DAMAGED, DIFFERS = "damaged", "differs"
ADVICE = {
    DAMAGED: "Where the log itself has lost something, the tables may be its only copy and are left alone: "
    "put a backup back.",
    DIFFERS: "Where the log is whole it is right: with --rebuild this command writes the tables of such a chat anew.",
}


class Command(BaseCommand):
    """Rebuilds in a transaction that is taken back, stream by stream, and compares."""

    help = "Checks that the tables say what the log says; exit status 1 and the differences otherwise."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One chat, or all; and whether to mend what differs."""
        parser.add_argument("--chat", type=int, metavar="ID", help="only this chat")
        parser.add_argument("--rebuild", action="store_true", help="write the tables of a chat that differs anew")

    def handle(self, *, chat: int | None, rebuild: bool, **_: Any) -> None:
        """Check, and say how it went."""
        streams = Stream.objects.order_by("id")
        if chat is not None:
            streams = streams.filter(name=stream_of(chat))
            if not streams.exists():
                raise CommandError(f"There is no chat {chat}.")
        checked, found = 0, Counter[str]()
        for stream in streams.iterator(chunk_size=BATCH):
            checked += 1
            found += self._check(stream, rebuild=rebuild)
        strays = Chat.objects.exclude(id__in=Stream.objects.values("id"))
        for stray in strays if chat is None else Chat.objects.none():
            found[DAMAGED] += 1
            self.stdout.write(f"Chat {stray.pk} is not in the log.")
        of = f"{checked} stream{'' if checked == 1 else 's'}"
        if wrong := found.total():
            differ = f"{wrong} difference{'' if wrong == 1 else 's'} in {of}: the tables do not say what the log says."
            self.stderr.write(" ".join([differ, *(ADVICE[trouble] for trouble in sorted(found))]))
            sys.exit(1)
        self.stdout.write(f"{of} checked: the tables say what the log says.")

    def _check(self, stream: Stream, *, rebuild: bool) -> Counter[str]:
        """Say what differs; how much of it stays, by the trouble that it is."""
        gaps, strays = list(_gaps(stream)), list(_strays(stream))
        for sentence in [*gaps, *strays]:
            self.stdout.write(f"{stream.name}: {sentence}")
        if gaps:
            return Counter({DAMAGED: len(gaps) + len(strays)})
        if not (strays and rebuild):
            return Counter({DIFFERS: len(strays)} if strays else {})
        rebuild_tables(stream.pk)
        self.stdout.write(f"{stream.name}: its tables are written anew from the log.")
        return Counter()


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
    live, rebuilt = difference.live, difference.rebuilt
    name = f"{difference.table} {(live or rebuilt or {}).get('id', '')}".strip()
    if live is None:
        return f"{name} is missing; the log says {_short(rebuilt)}"
    if rebuilt is None:
        return f"{name} is not in the log: {_short(live)}"
    columns = [column for column in live if repr(live[column]) != repr(rebuilt.get(column))]
    return "; ".join(
        f"{name}: {column} is {_short(live[column])}, the log says {_short(rebuilt[column])}" for column in columns
    )


def _short(value: Any) -> str:
    return Truncator(repr(value)).chars(VALUE_CHARACTERS)
