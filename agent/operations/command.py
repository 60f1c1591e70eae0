"""A command: what an operator wants done, in words that every door can say; and what is asked of its reason."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Self

from chat.errors import ChatError
from chat.log.text import clean

LONGEST_REASON, LONGEST_KEY = 2000, 200


@dataclass(frozen=True, slots=True)
class Preset:
    """A reason that comes up again and again; one in words is asked for beside it."""

    words: str
    #: What it may be given for; none named: every act.
    acts: tuple[str, ...] = ()


PRESETS = {
    "unreadable": Preset("The text cannot be read", ("dismiss_event",)),
    "duplicate": Preset("Duplicate", ("dismiss_event",)),
    "fixed_by_hand": Preset("Fixed by hand", ("dismiss_event", "retry_lane")),
    "drill": Preset("Fire drill", ("dismiss_event",)),
    "mended": Preset("What was wrong is mended", ("retry_lane", "resume_subscriber", "redeliver_event")),
    "mistaken": Preset("Dismissed by mistake", ("redeliver_event",)),
    "maintenance": Preset("Maintenance", ("pause_subscriber", "resume_subscriber")),
    "model_trouble": Preset("Trouble with the model", ("pause_subscriber",)),
    "outdated_rows": Preset("Its rows are wrong or missing", ("rebuild_projection",)),
    "out_of_character": Preset("Out of character", ("regenerate_turn",)),
    "against_the_story": Preset("Contradicts the story", ("regenerate_turn",)),
    "better_before": Preset("It was better before", ("restore_turn",)),
    "test": Preset("Test"),
    "other": Preset("Other"),
}


class NoReasonError(ChatError):
    """Give a reason: whoever asks later must be able to read why."""

    status = 400


class ReasonTooLongError(ChatError):
    """A reason may have at most 2,000 characters."""

    status = 400


class UnknownPresetError(ChatError):
    """There is no such preset reason for this."""

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
    #: One of `presets_of` its act; "" for none.
    preset: str = ""
    #: Repeating a command with the same key gives the first answer; None for no key.
    key: str | None = None

    def checked(self) -> Self:
        """The command with its reason trimmed. NoReasonError, ReasonTooLongError, MalformedKeyError."""
        reason = str(clean(self.reason)).strip()
        if self.needs_reason and not reason:
            raise NoReasonError
        if len(reason) > LONGEST_REASON:
            raise ReasonTooLongError
        if self.key is not None and not (0 < len(self.key) <= LONGEST_KEY and self.key.isprintable()):
            raise MalformedKeyError
        return replace(self, reason=reason)

    def check_preset(self) -> None:
        """UnknownPresetError for a preset that is not among those of its act."""
        if self.preset and self.preset not in presets_of(self.act):
            raise UnknownPresetError(f"Choose one of these preset reasons, or none: {', '.join(presets_of(self.act))}.")

    def target(self) -> dict[str, Any]:
        """What it is about: `subscriber`, `stream`, `event` as far as they apply."""
        raise NotImplementedError

    def digest(self) -> str:
        """The same for the same command under the same key, whichever door it came through."""
        said = {name: value for name, value in asdict(self).items() if name != "key"}
        return hashlib.sha256(json.dumps([self.act, said], sort_keys=True).encode()).hexdigest()


def presets_of(act: str) -> dict[str, str]:
    """The preset reasons that may be given for an act, with their words."""
    return {name: preset.words for name, preset in PRESETS.items() if act in preset.acts or not preset.acts}


def address(target: dict[str, Any]) -> str:
    """A target for people, e.g. `chronicler/chat-41 #1042`."""
    lane = "/".join(str(target[part]) for part in ("subscriber", "stream") if target.get(part))
    rest = [f"#{target['event']}"] if target.get("event") else []
    other = [f"{name} {value}" for name, value in target.items() if name not in {"subscriber", "stream", "event"}]
    return " ".join(part for part in (lane, *rest, *other) if part)[:200]
