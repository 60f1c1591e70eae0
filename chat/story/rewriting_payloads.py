"""What events say of writings that take each other's place: superseded, restored, deleted."""

from dataclasses import dataclass

from chat.story.positions import Position


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnSuperseded:
    """A turn no longer stands: another one stands in its place, or in that of the turn it went with."""

    turn: Position
    by: Position
    #: The turn that took it along, or whose edit did: an interjection goes with the reply that it followed.
    went_with: Position | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnRestored:
    """A turn that did not stand stands again."""

    turn: Position
    #: The turn that stood in its place until now; itself, if it fell in the same act with what was there before.
    instead_of: Position | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnDeleted:
    """A turn is gone from the story; it can be restored."""

    turn: Position
    #: The turn that took it along: replies go with the player's turn that drew them.
    went_with: Position | None = None
