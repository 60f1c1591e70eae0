"""The command line's door to the operations: who acts, how it is answered, and the exit statuses.

0 done, 2 not understood, 3 refused, 4 not permitted. Nothing is ever asked for: what is missing is a usage error.
"""

import json
from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from agent.operations.command import Command as Asked
from agent.operations.command import presets_of
from agent.operations.locking import reachable
from agent.operations.operator import NotPermittedError, Operator
from agent.operations.problems import problem_of
from agent.operations.registering import Decided
from chat.errors import ChatError
from chat.turns.standing import NotStandingError

USAGE, REFUSED, NOT_PERMITTED = 2, 3, 4


class Door(BaseCommand):
    """A command that makes one call; subclasses add their arguments and `perform`."""

    #: What is asked for: it says which presets there are, and whether a reason is needed.
    asks: ClassVar[type[Asked]]
    needs_user = True
    # They would ask the database before we can say that it is away.
    requires_system_checks: list[str] = []  # noqa: RUF012  (Django's own declaration)

    def add_arguments(self, parser: CommandParser) -> None:
        """Who, why, and how it is printed."""
        parser.add_argument(
            "--as-user", required=self.needs_user, metavar="NAME", help="who does it; the audit says so"
        )
        parser.add_argument("--reason", help="why, for whoever asks later")
        parser.add_argument(
            "--preset", choices=sorted(presets_of(self.asks.act)), default="", help="the kind of reason"
        )
        parser.add_argument("--key", help="repeating the command with the same key does nothing more")
        parser.add_argument("--format", choices=["text", "json"], default="text")

    def handle(self, *_: Any, **options: Any) -> None:
        """Make the call and print what came of it; CommandError with the exit status for a refusal."""
        if self.asks.needs_reason and options["reason"] is None:
            raise CommandError("Give a reason: --reason TEXT.", returncode=USAGE)
        decided = self.answered(lambda: self.perform(options, by=operator(options["as_user"])), options)
        self.stdout.write(json.dumps(decided.as_json(), indent=2) if options["format"] == "json" else told(decided))

    def perform(self, options: dict[str, Any], *, by: Operator) -> Decided:
        """The one call."""
        raise NotImplementedError

    def answered[T](self, call: Callable[[], T], options: dict[str, Any]) -> T:
        """What a call answers; a ChatError becomes a CommandError, and a problem object on stdout for scripts."""
        try:
            return call()
        except ChatError as refused:
            if options["format"] == "json":
                self.stdout.write(json.dumps(problem_of(refused), indent=2))
            status = NOT_PERMITTED if isinstance(refused, NotPermittedError) else REFUSED
            raise CommandError(_said(refused), returncode=status) from None


def _said(refused: ChatError) -> str:
    """Why, and, for a turn that does not stand, the id of the one that does: commands take ids."""
    standing = refused.present["standing"] if isinstance(refused, NotStandingError) else None
    return f"{refused.detail} Its id: {standing}." if standing else refused.detail


def operator(name: str) -> Operator:
    """The active user of that name at the command line; CommandError (2) when there is none."""
    with reachable():
        user = User.objects.filter(username=name, is_active=True).first()
    if user is None:
        raise CommandError(f"There is no active user “{name}”.", returncode=USAGE)
    return Operator(user=user, channel="command")


def common(options: dict[str, Any]) -> dict[str, Any]:
    """What every command has."""
    return {"reason": options["reason"] or "", "preset": options["preset"], "key": options["key"]}


def told(decided: Decided) -> str:
    """A Decision in one line."""
    about = " ".join(f"{name} {value}" for name, value in decided.target.items())
    return f"{decided.choice}: {about} (decision {decided.decision_id})"
