"""`manage.py promote_caution`: promote a drafted caution."""

from typing import Any

from django.core.management.base import CommandParser

from agent.management.door import Door, common
from agent.operations.cautions import PromoteCaution, review_caution
from agent.operations.operator import Operator
from agent.operations.registering import Decided


class Command(Door):
    """Promotes."""

    asks = PromoteCaution
    help = "Promote a caution, in its story and in the audit."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which."""
        parser.add_argument("caution_id", type=int, help="the position of its decision")
        super().add_arguments(parser)

    def perform(self, options: dict[str, Any], *, by: Operator) -> Decided:
        """Promote it."""
        return review_caution(PromoteCaution(caution_id=options["caution_id"], **common(options)), by=by)
