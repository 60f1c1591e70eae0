"""A command: what an operator wants done, in words that every door can say; and what is asked of its reason."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Self

from chat.errors import ChatError
from chat.log.text import clean

LONGEST_REASON, LONGEST_KEY = 2000, 200
#: Reasons that come up again and again; a reason in words is asked for beside them.
PRESETS = {
    "unreadable": "The text cannot be read",
    "duplicate": "Duplicate",
    "fixed_by_hand": "Fixed by hand",
    "out_of_character": "Out of character",
    "test": "Test",
    "drill": "Fire drill",
    "other": "Other",
}


class NoReasonError(ChatError):
    """Give a reason: whoever asks later must be able to read why."""

    status = 400


class ReasonTooLongError(ChatError):
    """A reason may have at most 2,000 characters."""

    status = 400


class UnknownPresetError(ChatError):
    """There is no such preset reason."""

    status = 422


class MalformedKeyError(ChatError):
    """An idempotency key has 1 to 200 printable characters."""

    status = 422


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """What every command has; subclasses say what it is about."""

    #: The permission it takes.
    act: ClassVar[str]
    #: How the Decision is filed, and what was chosen.
    context: ClassVar[str]
    choice: ClassVar[str]
    needs_reason: ClassVar[bool] = False

    reason: str = ""
    #: One of PRESETS; "" for none.
    preset: str = ""
    #: Repeating a command with the same key gives the first answer; None for no key.
    key: str | None = None

    def checked(self) -> Self:
        """The command with its reason trimmed.

        NoReasonError, ReasonTooLongError, UnknownPresetError, MalformedKeyError.
        """
        reason = str(clean(self.reason)).strip()
        if self.needs_reason and not reason:
            raise NoReasonError
        if len(reason) > LONGEST_REASON:
            raise ReasonTooLongError
        if self.preset and self.preset not in PRESETS:
            raise UnknownPresetError
        if self.key is not None and not (0 < len(self.key) <= LONGEST_KEY and self.key.isprintable()):
            raise MalformedKeyError
        return replace(self, reason=reason)

    def target(self) -> dict[str, Any]:
        """What it is about: `subscriber`, `stream`, `event` as far as they apply."""
        raise NotImplementedError

    def digest(self) -> str:
        """The same for the same command under the same key, whichever door it came through."""
        said = {name: value for name, value in asdict(self).items() if name != "key"}
        return hashlib.sha256(json.dumps([self.act, said], sort_keys=True).encode()).hexdigest()


def address(target: dict[str, Any]) -> str:
    """A target for people, e.g. `chronicler/chat-41 #1042`."""
    lane = "/".join(str(target[part]) for part in ("subscriber", "stream") if target.get(part))
    rest = [f"#{target['event']}"] if target.get("event") else []
    other = [f"{name} {value}" for name, value in target.items() if name not in {"subscriber", "stream", "event"}]
    return " ".join(part for part in (lane, *rest, *other) if part)[:200]
