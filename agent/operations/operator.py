"""The operator: who acts, through which door, when; and what that one may do."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from django.contrib.auth.models import User
from django.utils import timezone

from chat.errors import ChatError

type Channel = Literal["admin", "api", "mcp", "command"]


class NotPermittedError(ChatError):
    """You may not do this."""

    status = 403


@dataclass(frozen=True, kw_only=True, slots=True)
class Operator:
    """A person at a door; every Decision says so in these words."""

    user: User
    channel: Channel
    #: The program that acts for the person: an API token's name, an agent's; "" for none.
    client: str = ""
    #: What the token is good for; None: all that the person may do.
    scopes: frozenset[str] | None = None
    at: datetime = field(default_factory=timezone.now)
    #: What belongs together: one request, one run of a command.
    correlation: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def name(self) -> str:
        """How people know the one who acts."""
        return self.user.get_username()

    def may(self, act: str) -> bool:
        """Whether the person has the permission of that name, and the token its scope."""
        return (self.scopes is None or act in self.scopes) and self.user.has_perm(f"agent.{act}")


def authorise(operator: Operator, act: str) -> None:
    """NotPermittedError unless the operator may do that; superusers may do everything."""
    if operator.scopes is not None and act not in operator.scopes:
        raise NotPermittedError(f"This token has no scope “{act}”.")
    if not operator.may(act):
        raise NotPermittedError(f"You need the permission “{act}” for this.")
