"""Shows how the subscribers stand."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from agent import registry
from agent.subscriptions.standing import Standing, standings

COLUMNS = (
    ("name", "name"),
    ("kind", "kind"),
    ("lanes", "lanes"),
    ("behind_events", "behind"),
    ("behind_seconds", "seconds"),
    ("backing_off", "backing off"),
    ("wedged", "wedged"),
    ("paused", "paused"),
)
#: The first of them are texts, the others numbers.
TEXTS = 2


class Command(BaseCommand):
    """A table, or JSON for scripts."""

    help = "Show how far each subscriber has got. With --check the exit status is 1 while a lane is wedged."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--check` and `--format`."""
        # Django's own --check-like flags are options of this command alone.
        parser.add_argument("--check", action="store_true", dest="fail_if_wedged", help="exit 1 while a lane is wedged")
        parser.add_argument("--format", choices=["table", "json"], default="table")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print it."""
        found = standings(registry.subscribers(), now=timezone.now())
        if options["format"] == "json":
            self.stdout.write(json.dumps([standing.as_json() for standing in found], indent=2))
        else:
            self.stdout.write("\n".join(_table(found)))
        if options["fail_if_wedged"] and any(standing.wedged for standing in found):
            raise SystemExit(1)


def _table(found: list[Standing]) -> list[str]:
    rows = [[title for _, title in COLUMNS], *([f"{getattr(one, name)}" for name, _ in COLUMNS] for one in found)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(COLUMNS))]
    return ["  ".join(_cell(cell, widths[at], left=at < TEXTS) for at, cell in enumerate(row)).rstrip() for row in rows]


def _cell(cell: str, width: int, *, left: bool) -> str:
    return cell.ljust(width) if left else cell.rjust(width)
