"""`manage.py redeliver_event`: have a Reaction deal with a dismissed event after all."""

from typing import Any

from django.core.management.base import CommandParser

from agent.management.door import Door, common
from agent.operations.operator import Operator
from agent.operations.redeliver import RedeliverEvent, redeliver_event
from agent.operations.registering import Decided


class Command(Door):
    """Redelivers."""

    asks = RedeliverEvent
    help = "Take a dismissal back: run the Reaction for that one event now, late."

    def add_arguments(self, parser: CommandParser) -> None:
        """The lane and the event."""
        parser.add_argument("reaction")
        parser.add_argument("event_id", type=int)
        super().add_arguments(parser)

    def perform(self, options: dict[str, Any], *, by: Operator) -> Decided:
        """Redeliver it."""
        names = ("reaction", "event_id")
        return redeliver_event(RedeliverEvent(**{name: options[name] for name in names}, **common(options)), by=by)
