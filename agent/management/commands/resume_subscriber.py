"""`manage.py resume_subscriber`: resume a subscriber, or one lane of it."""

from typing import Any

from django.core.management.base import CommandParser

from agent.management.door import Door, common
from agent.operations.operator import Operator
from agent.operations.pause import Resume, resume
from agent.operations.registering import Decided


class Command(Door):
    """Resumes."""

    asks = Resume
    help = "Let a paused subscriber, or one lane of it, be claimed again."

    def add_arguments(self, parser: CommandParser) -> None:
        """What of it."""
        parser.add_argument("subscriber")
        parser.add_argument("--stream", default="", help="only this lane, e.g. chat-7")
        super().add_arguments(parser)

    def perform(self, options: dict[str, Any], *, by: Operator) -> Decided:
        """Resume it."""
        return resume(Resume(subscriber=options["subscriber"], stream=options["stream"], **common(options)), by=by)
