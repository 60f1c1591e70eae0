"""What the demo story is written in: beats, each with what follows from it."""

from typing import NamedTuple


class Plans(NamedTuple):
    """Something may happen; `event` is how the other facts call it."""

    event: str
    title: str
    description: str = ""


class Starts(NamedTuple):
    """What was planned is under way."""

    event: str


class Completes(NamedTuple):
    """It has happened, and is worth a milestone."""

    event: str
    milestone: str


class Cancels(NamedTuple):
    """It will not happen."""

    event: str


class Keeps(NamedTuple):
    """What a witness will remember."""

    name: str
    text: str
    importance: int


class Feels(NamedTuple):
    """How what one feels toward another changes, from -2 to 2."""

    name: str
    toward: str
    delta: int
    why: str


type Fact = Plans | Starts | Completes | Cancels | Keeps | Feels


class Writing(NamedTuple):
    """An older writing of a turn, and what it had caused."""

    text: str
    facts: tuple[Fact, ...] = ()


class Said(NamedTuple):
    """Who says what; None for the player."""

    name: str | None
    text: str
    facts: tuple[Fact, ...] = ()
    #: Oldest first.
    earlier: tuple[Writing, ...] = ()
    #: After somebody else's reply, unasked.
    interjects: bool = False


class Enters(NamedTuple):
    """Somebody comes into the scene."""

    name: str


class Leaves(NamedTuple):
    """Somebody goes."""

    name: str


class Opens(NamedTuple):
    """A scene begins."""

    title: str
    present: tuple[str, ...]


class Closes(NamedTuple):
    """The scene is over; looked back on for the player, and for each witness from what it saw."""

    previously: str
    parts: dict[str, str]


class Aside(NamedTuple):
    """A meanwhile, with a caution drafted from it: who is to bear in mind what, and why."""

    names: tuple[str, ...]
    direction: str
    said: tuple[Said, ...]
    audience: tuple[str, ...]
    caution: str
    reasoning: str


type Beat = Said | Enters | Leaves | Opens | Closes | Aside
