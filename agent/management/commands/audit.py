"""`manage.py audit`: the operators' Decisions, one a line."""

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agent.management.door import USAGE
from agent.operations.audit import Sought, export


class Command(BaseCommand):
    """Exports."""

    help = "Print operators' decisions, oldest first, as JSON lines or as CSV that no spreadsheet takes for formulas."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which, and how."""
        parser.add_argument("--since", metavar="DATE", help="e.g. 2026-11-01 or 2026-11-01T03:00 (UTC)")
        parser.add_argument("--until", metavar="DATE", help="before this moment")
        parser.add_argument("--act", default="", help="e.g. dismiss_event")
        parser.add_argument("--subscriber", default="")
        parser.add_argument("--search", default="", metavar="TEXT", help="in reasons and targets")
        parser.add_argument("--format", choices=["jsonl", "csv"], default="jsonl")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print it."""
        sought = Sought(
            text=options["search"],
            act=options["act"],
            subscriber=options["subscriber"],
            since=_moment(options["since"]),
            until=_moment(options["until"]),
        )
        for line in export(sought, format=options["format"], by=None):
            self.stdout.write(line, ending="")


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = f"“{text}” is no date: write 2026-11-01 or 2026-11-01T03:00."
        raise CommandError(message, returncode=USAGE) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
