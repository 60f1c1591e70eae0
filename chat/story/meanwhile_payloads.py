"""What events say of scenes without the player: opened, continued."""

from dataclasses import dataclass

from chat.story.positions import Position


@dataclass(frozen=True, kw_only=True, slots=True)
class MeanwhileOpened:
    """The player lets characters talk among themselves, elsewhere; its id is the position of this event."""

    characters: tuple[int, ...]
    #: What it is about, or where, in the player's words.
    direction: str = ""
    #: How many turns they have.
    turns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MeanwhileContinued:
    """A meanwhile goes on for some more turns."""

    meanwhile: Position
    turns: int
