"""What events say of a chat as a whole that is neither its head nor its place in the list."""

from dataclasses import dataclass
from typing import Literal

#: How readily a silent witness speaks up after a reply.
type Eagerness = Literal["off", "rarely", "normal", "eager"]


@dataclass(frozen=True, kw_only=True, slots=True)
class InterjectionsSet:
    """From here on silent witnesses speak up more readily, or less."""

    eagerness: Eagerness


@dataclass(frozen=True, kw_only=True, slots=True)
class StorySeeded:
    """What stands before this was written by hand, with all that follows from it: there is nothing in it to read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Branched:
    """What stands before this was copied from another chat, up to one of its turns."""

    chat: int
    #: In that chat's log.
    turn: int
