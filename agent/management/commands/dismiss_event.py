"""`manage.py dismiss_event`: spare a Reaction an event."""

import json
from typing import Any

from django.core.management.base import CommandParser

from agent.management.door import Door, common, operator
from agent.operations.dismiss import DismissEvent, dismiss_event
from agent.operations.operator import Operator
from agent.operations.preview import preview_dismissal
from agent.operations.registering import Decided


class Command(Door):
    """Dismisses, or shows what a dismissal would skip."""

    asks = DismissEvent
    help = "Move a Reaction's lane past an event, for a reason; with --preview only show what that would skip."

    def add_arguments(self, parser: CommandParser) -> None:
        """The lane and the event."""
        parser.add_argument("reaction")
        parser.add_argument("event_id", type=int)
        parser.add_argument(
            "--expected-skipped", type=int, default=0, metavar="N", help="events before it that are skipped with it"
        )
        parser.add_argument("--preview-token", default="", help="of --preview: refuse a lane that has moved since")
        parser.add_argument("--preview", action="store_true", help="change nothing, and give no reason")
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Dismiss it, or show it."""
        if not options["preview"]:
            super().handle(*args, **options)
            return
        by = operator(options["as_user"])
        preview = self.answered(
            lambda: preview_dismissal(options["reaction"], event_id=options["event_id"], by=by), options
        )
        self.stdout.write(json.dumps(preview.as_json(), indent=2))

    def perform(self, options: dict[str, Any], *, by: Operator) -> Decided:
        """Dismiss it."""
        names = ("reaction", "event_id", "expected_skipped", "preview_token")
        return dismiss_event(DismissEvent(**{name: options[name] for name in names}, **common(options)), by=by)
