"""`manage.py verify_audit`: whether the operators' Decisions are those that were written."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import pluralize

from agent.operations.audit import newest_seal, verify


class Command(BaseCommand):
    """Follows the chain of seals."""

    help = "Check the chain of operators' decisions. The printed seal, kept elsewhere, also finds a chain cut short."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--expect`."""
        parser.add_argument("--expect", default="", metavar="SEAL", help="a seal that must still be there")

    def handle(self, *_: Any, **options: Any) -> None:
        """Exit status 1, and where it does not hold."""
        broken = verify(expected=options["expect"])
        for one in broken:
            self.stdout.write(f"decision {one.position} (version {one.version}): {one.why}")
        if broken:
            raise CommandError(f"The audit does not hold in {_counted(len(broken), 'place')}.", returncode=1)
        number, seal = newest_seal()
        self.stdout.write(f"The audit holds: {_counted(number, 'decision')}, newest seal {seal or 'none'}.")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{pluralize(number)}"
