"""`manage.py retry_lane`: try a lane's next event again."""

from typing import Any

from django.core.management.base import CommandParser

from agent.management.door import Door, common
from agent.operations.operator import Operator
from agent.operations.registering import Decided
from agent.operations.retry import RetryLane, retry_lane


class Command(Door):
    """Retries."""

    asks = RetryLane
    help = "Let a lane that is wedged or backs off try its next event again, at once."

    def add_arguments(self, parser: CommandParser) -> None:
        """The lane."""
        parser.add_argument("subscriber")
        parser.add_argument("stream", help="e.g. chat-7")
        parser.add_argument("--preview-token", default="", help="refuse a lane that has moved since it was shown")
        super().add_arguments(parser)

    def perform(self, options: dict[str, Any], *, by: Operator) -> Decided:
        """Retry it."""
        names = ("subscriber", "stream", "preview_token")
        return retry_lane(RetryLane(**{name: options[name] for name in names}, **common(options)), by=by)
