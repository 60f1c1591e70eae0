"""`manage.py rebuild_projection`: write a projection's rows anew from the log."""

from typing import Any

from django.core.management.base import CommandParser

from agent.management.door import Door, common
from agent.operations.operator import Operator
from agent.operations.rebuild import RebuildProjection, rebuild_projection
from agent.operations.registering import Decided


class Command(Door):
    """Rebuilds, here, and returns when it is done."""

    asks = RebuildProjection
    help = "Write a projection's rows anew from the log; readers see the old ones until the new are complete."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which."""
        parser.add_argument("projection")
        parser.add_argument("--restart", action="store_true", help="also when one is under way, e.g. cut short")
        super().add_arguments(parser)

    def perform(self, options: dict[str, Any], *, by: Operator) -> Decided:
        """Rebuild it."""
        names = ("projection", "restart")
        command = RebuildProjection(**{name: options[name] for name in names}, **common(options))
        return rebuild_projection(command, by=by, here=True)
