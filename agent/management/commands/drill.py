"""`manage.py drill`: start a fire drill at the operators' desk."""

from typing import Any

from agent.management.door import Door, common
from agent.operations.drill import StartDrill, start_drill
from agent.operations.operator import Operator
from agent.operations.registering import Decided


class Command(Door):
    """Starts one."""

    asks = StartDrill
    help = "Have a Reaction fail for practice: see it on the desk, then dismiss its event."

    def perform(self, options: dict[str, Any], *, by: Operator) -> Decided:
        """Start it."""
        return start_drill(StartDrill(**common(options)), by=by)
