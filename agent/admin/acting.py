"""The form of an act: a preset, a reason in words, and what makes a second press the same command."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from django.http import HttpRequest

from agent.operations.command import LONGEST_REASON, Command, presets_of
from agent.operations.lane import LaneConflictError
from agent.operations.operator import NotPermittedError
from chat.errors import ChatError


def new_key() -> str:
    """What tells a second press of a button from a second command."""
    return uuid.uuid4().hex


@dataclass(kw_only=True)
class Form:
    """What was typed, kept on a refusal; the commands themselves say what is wrong with it."""

    asks: type[Command]
    sent: bool = False
    preset: str = ""
    reason: str = ""
    key: str = field(default_factory=new_key)
    preview_token: str = ""
    refused: ChatError | None = None
    longest = LONGEST_REASON

    @classmethod
    def of(cls, request: HttpRequest, asks: type[Command]) -> Self:
        """What was sent, or an empty form."""
        if request.method != "POST":
            return cls(asks=asks)
        sent = request.POST
        return cls(
            asks=asks,
            sent=True,
            preset=sent.get("preset", ""),
            reason=sent.get("reason", ""),
            preview_token=sent.get("preview_token", ""),
            key=sent.get("key") or new_key(),
        )

    def carry_out[T](self, act: Callable[[], T]) -> T | None:
        """Do what was sent; None when nothing was, or when it was refused: then `refused` says why.

        NotPermittedError: no other words in the form help against that.
        """
        if not self.sent:
            return None
        try:
            return act()
        except NotPermittedError:
            raise
        except ChatError as error:
            self.refused = error
            return None

    @property
    def presets(self) -> dict[str, str]:
        """What may be chosen."""
        return presets_of(self.asks.act)

    @property
    def needs_reason(self) -> bool:
        """Whether it is refused without one."""
        return self.asks.needs_reason

    @property
    def why(self) -> dict[str, Any]:
        """What every command takes."""
        # Browsers send line ends as CR LF.
        return {"preset": self.preset, "reason": self.reason.replace("\r\n", "\n"), "key": self.key}

    @property
    def status(self) -> int:
        """Of the page that shows it."""
        return 200 if self.refused is None else self.refused.status

    @property
    def about_reason(self) -> bool:
        """Whether it is the reason that was refused."""
        return self.refused is not None and self.refused.status == 400  # noqa: PLR2004

    @property
    def moved(self) -> dict[str, Any] | None:
        """How the lane stands, when it is not where the form thought it was."""
        return self.refused.present if isinstance(self.refused, LaneConflictError) else None


def number(sent: str | None) -> int:
    """A number that was sent; 0 for what is none (positions begin at 1)."""
    return int(sent) if sent and sent.isascii() and sent.isdigit() and len(sent) < 19 else 0  # noqa: PLR2004
