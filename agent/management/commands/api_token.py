"""`manage.py api_token`: make, list and revoke API tokens."""

import json
from typing import Any

from django.core.management.base import CommandParser

from agent.management.door import Door, common, operator
from agent.operations.tokens import SCOPES, CreateToken, RevokeToken, create_token, revoke_token, tokens_of


class Command(Door):
    """Tokens of a person's."""

    asks = CreateToken
    help = "Make a token (printed once), list one's tokens, or revoke one."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to do."""
        parser.add_argument("act", choices=["create", "list", "revoke"])
        parser.add_argument("--name", default="", help="create: what it is for")
        parser.add_argument("--scope", action="append", default=[], metavar="SCOPE", help=f"of {', '.join(SCOPES)}")
        parser.add_argument("--days", type=int, default=90, help="create: how long it is good for")
        parser.add_argument("--id", type=int, default=0, help="revoke: which")
        super().add_arguments(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        """Do it."""
        said = self.answered(lambda: getattr(self, f"_{options['act']}")(options), options)
        self.stdout.write(json.dumps(said, indent=2) if options["format"] == "json" else _lines(said))

    def _create(self, options: dict[str, Any]) -> dict[str, Any]:
        command = CreateToken(
            name=options["name"], scopes=tuple(options["scope"]), days=options["days"], **common(options)
        )
        made = create_token(command, by=operator(options["as_user"]))
        return {"token": made.secret, "id": made.row.pk, "expires_at": made.row.expires_at.isoformat()}

    def _revoke(self, options: dict[str, Any]) -> dict[str, Any]:
        decided = revoke_token(RevokeToken(token_id=options["id"], **common(options)), by=operator(options["as_user"]))
        return {"revoked": options["id"], "decision_id": decided.decision_id}

    def _list(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {
                "id": token.pk,
                "name": token.name,
                "hint": token.hint,
                "scopes": token.scopes,
                "expires_at": token.expires_at.isoformat(),
                "revoked": token.revoked_at is not None,
            }
            for token in tokens_of(operator(options["as_user"]).user)
        ]


def _lines(said: Any) -> str:
    rows = said if isinstance(said, list) else [said]
    return "\n".join("  ".join(f"{name}={value}" for name, value in row.items()) for row in rows) or "none"
