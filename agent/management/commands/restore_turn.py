"""`manage.py restore_turn`: bring an older writing of a turn back."""

from typing import Any

from django.core.management.base import CommandParser

from agent.management.door import Door, common
from agent.operations.operator import Operator
from agent.operations.registering import Decided
from agent.operations.restore import RestoreTurn, restore_turn


class Command(Door):
    """Restores."""

    asks = RestoreTurn
    help = "Let an older writing of a turn stand again, with all that it had caused."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which writing."""
        parser.add_argument("turn_id", type=int, help="the id of the writing that is to stand")
        super().add_arguments(parser)

    def perform(self, options: dict[str, Any], *, by: Operator) -> Decided:
        """Restore it."""
        return restore_turn(RestoreTurn(turn_id=options["turn_id"], **common(options)), by=by)
