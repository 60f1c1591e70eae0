"""What events say of writings that take each other's place: superseded, restored, deleted."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnSuperseded:
    """A turn no longer stands: another one stands in its place, or in that of the turn it went with."""

    turn: int
    by: int
    #: The turn that took it along, or whose edit did: an interjection goes with the reply that it followed.
    went_with: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnRestored:
    """A turn that did not stand stands again."""

    turn: int
    #: The turn that stood in its place until now.
    instead_of: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnDeleted:
    """A turn is gone from the story; it can be restored."""

    turn: int
    #: The turn that took it along: replies go with the player's turn that drew them.
    went_with: int | None = None
