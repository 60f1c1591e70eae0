"""`manage.py pause_subscriber`: pause a subscriber, or one lane of it."""

from typing import Any

from django.core.management.base import CommandParser

from agent.management.door import Door, common
from agent.operations.operator import Operator
from agent.operations.pause import Pause, pause
from agent.operations.registering import Decided


class Command(Door):
    """Pauses."""

    asks = Pause
    help = "Claim nothing of a subscriber, or of one lane, any more; what runs is finished."

    def add_arguments(self, parser: CommandParser) -> None:
        """What of it."""
        parser.add_argument("subscriber")
        parser.add_argument("--stream", default="", help="only this lane, e.g. chat-7")
        super().add_arguments(parser)

    def perform(self, options: dict[str, Any], *, by: Operator) -> Decided:
        """Pause it."""
        return pause(Pause(subscriber=options["subscriber"], stream=options["stream"], **common(options)), by=by)
