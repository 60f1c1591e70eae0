"""`manage.py show_log`: a stream of the log, one event a line."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.log.models import Event, Stream
from chat.story.models import stream_of

BATCH = 500


class Command(BaseCommand):
    """Prints events in the order in which they happened."""

    help = "Shows what was recorded of a chat (--chat 7), or in any stream (--stream operations)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which stream, from where, and how it is written."""
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--chat", type=int, metavar="ID", help="the chat's number")
        which.add_argument("--stream", metavar="NAME", help="the stream's name")
        parser.add_argument("--after", type=int, default=0, metavar="POSITION", help="only what came after it")
        parser.add_argument("--format", choices=["text", "jsonl"], default="text", help="jsonl: one JSON object a line")

    def handle(self, *, chat: int | None, stream: str | None, after: int, format: str, **_: Any) -> None:  # noqa: A002
        """Exit status 1 when there is no such stream."""
        name = stream or stream_of(chat or 0)
        if not Stream.objects.filter(name=name).exists():
            raise CommandError(f"There is no stream “{name}”.")
        line = _as_json if format == "jsonl" else _as_text
        events = Event.objects.filter(stream__name=name, position__gt=after).order_by("position")
        for event in events.iterator(chunk_size=BATCH):
            self.stdout.write(line(event))


def _as_json(event: Event) -> str:
    names = ("position", "version", "kind", "payload", "actor", "causation")
    shown = {name: getattr(event, name) for name in names}
    return json.dumps({**shown, "recorded_at": event.recorded_at.isoformat()}, ensure_ascii=False)


def _as_text(event: Event) -> str:
    said = json.dumps(event.payload, ensure_ascii=False)
    return f"{event.position:>8}  {event.recorded_at:%Y-%m-%d %H:%M:%S}  {event.kind:<20} {event.actor:<12} {said}"
