"""What is told of a reply while it is written; `turns` knows no transport, edges hand in an Announcer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """A character begins to speak; `rewrites` is the turn this is a new writing of."""

    chat: int
    generation: str
    speaker: int
    speaker_name: str
    rewrites: int | None = None
    #: Of an interjection: the primary reply after which it is.
    follows: int | None = None
    #: The meanwhile for which it is.
    meanwhile: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Deciding:
    """It is being decided whether one of the silent witnesses, by name, speaks up; Started or Ended follows."""

    chat: int
    generation: str
    witnesses: Sequence[str]
    rewrites: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """More text: chunk number `seq` from 1, beginning at `offset` characters."""

    chat: int
    generation: str
    seq: int
    offset: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """The reply is settled: `state` is finished, stopped, interrupted, failed or nobody (spoke up)."""

    chat: int
    generation: str
    speaker_name: str
    state: str
    #: The turn that came of it, if any, and for a failure the sentence to show.
    turn: int | None = None
    error: str = ""


type News = Started | Deciding | Chunk | Ended


class Announcer(Protocol):
    """Whoever brings the news to the browsers."""

    def announce(self, news: News) -> None:
        """Pass it on; called from the event loop, returns at once and never raises."""


class Silent:
    """An announcer for whom nobody listens: commands and tests."""

    def announce(self, news: News) -> None:
        """Do nothing."""


_chosen: list[Announcer] = [Silent()]


def announce_with(announcer: Announcer) -> None:
    """Whom every screen of this process hands to `exchange`; streaming calls it when it starts."""
    _chosen[0] = announcer


def chosen() -> Announcer:
    """The announcer of this process; pages ask here, since they must not know streaming."""
    return _chosen[0]
