"""`manage.py lanes`: the lanes of a subscriber, or one lane with its trouble."""

import json
from typing import Any, get_args

from django.core.management.base import CommandParser

from agent.management.door import Door, operator
from agent.operations import desk
from agent.operations.lane import State
from agent.operations.shown import LaneView


class Command(Door):
    """Shows."""

    help = "Show the lanes of a subscriber, or one lane in full."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which."""
        parser.add_argument("subscriber")
        parser.add_argument("stream", nargs="?", help="one lane, e.g. chat-7")
        parser.add_argument("--state", choices=get_args(State.__value__), help="only lanes in this state")
        parser.add_argument("--after", type=int, default=0, metavar="ID", help="lanes after this one")
        parser.add_argument("--as-user", metavar="NAME", help="as somebody else may see it")
        parser.add_argument("--format", choices=["text", "json"], default="text")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print it; one lane is printed as JSON."""
        by = operator(options["as_user"]) if options["as_user"] else None
        if options["stream"]:
            detail = self.answered(lambda: desk.show_lane(options["subscriber"], options["stream"], by=by), options)
            self.stdout.write(json.dumps(detail.as_json(), indent=2))
            return
        which = {name: options[name] for name in ("state", "after")}
        lanes = self.answered(lambda: desk.list_lanes(options["subscriber"], **which, by=by), options)
        if options["format"] == "json":
            self.stdout.write(json.dumps([lane.as_json() for lane in lanes], indent=2))
        else:
            self.stdout.write("\n".join(_line(lane) for lane in lanes) or "none")


def _line(lane: LaneView) -> str:
    trouble = f"  #{lane.next_event}: {lane.wedged_reason}" if lane.wedged_reason else ""
    return f"{lane.id:>8}  {lane.stream:<12} {lane.state:<12} {lane.behind:>6} behind{trouble}"
