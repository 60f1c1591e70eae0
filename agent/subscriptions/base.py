"""What a subscriber is: a Projection (fast, batched, replayable) or a Reaction (slow, one event at a time, acts once).

Subclass one of the two protocols and declare `name` and `kinds`; the class attributes below are the defaults.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, runtime_checkable

from chat.log.models import Event
from chat.story.payloads import Payload

type Payloads = Sequence[Payload] | Callable[[], Sequence[Payload]]


@dataclass(frozen=True, slots=True)
class Done:
    """The Reaction's work is done and `payloads` are to be written, all or none, together with its bookmark.

    `payloads` may be a function: it is called under the stream's lock, right before they are written, and must
    be quick. `turns` are turns (ids) that stood when the event was read and that the outcome rests on, besides the
    event's own: when one of them no longer stands at that moment, everything is discarded and `react` called anew.
    """

    payloads: Payloads = ()
    turns: tuple[int, ...] = ()
    #: For the Attempt: what an operator may want to know, e.g. what was dropped of a model's answer.
    note: str = ""


@dataclass(frozen=True, slots=True)
class Skip:
    """The Reaction has nothing to do with this event; `why` is kept on the Attempt."""

    why: str


type Outcome = Done | Skip


@runtime_checkable
class Subscriber(Protocol):
    """A named follower of the log."""

    #: Stands in the database; never renamed.
    name: ClassVar[str]
    #: The kinds of event it reads, at least one.
    kinds: ClassVar[tuple[str, ...]]
    #: Events it is given at a time.
    batch_size: ClassVar[int]
    #: Where it starts in streams that stood before it was registered.
    starts_at: ClassVar[Literal["head", "beginning"]]


@runtime_checkable
class Projection(Subscriber, Protocol):
    """Keeps rows of its own, made of nothing but events; may be replayed at any time."""

    batch_size: ClassVar[int] = 100
    starts_at: ClassVar[Literal["head", "beginning"]] = "beginning"

    def apply(self, events: Sequence[Event], *, epoch: int) -> None:
        """Write what the events mean into the rows of `epoch`, in the caller's transaction.

        Events of one stream come in order; several streams may be mixed. `event.stream` is loaded.
        """
        ...

    def clear(self, *, epoch: int) -> None:
        """Remove every row of an epoch."""
        ...


@runtime_checkable
class Reaction(Subscriber, Protocol):
    """Acts on one event at a time, exactly once; never replayed by a rebuild."""

    batch_size: ClassVar[Literal[1]] = 1
    starts_at: ClassVar[Literal["head", "beginning"]] = "head"
    #: Lanes it may work at once; a host raises it by setting. Within a lane it is always one.
    max_concurrency: ClassVar[int] = 1
    #: Seconds that one event may take.
    timeout: ClassVar[float] = 120.0
    #: Seconds: the first and the longest window of the backoff; None for the site's (2 s, 15 min).
    retry_first: ClassVar[float | None] = None
    retry_longest: ClassVar[float | None] = None
    #: Which model it asks: when that one refuses us, it is held until a probe passes. "" for none.
    endpoint: ClassVar[Literal["reader", "model", ""]] = "reader"
    #: Whether a dismissed event may be reacted to after later ones have been.
    accepts_late: ClassVar[bool] = False
    #: What it keeps up, in a player's words; "" for its name.
    keeps: ClassVar[str] = ""
    #: What will not happen when it is spared an event, for operators.
    loss: ClassVar[str] = "Whatever this Reaction does because of such an event."

    async def react(self, event: Event) -> Outcome:
        """Say what is to be written because of this event; `event.stream` is loaded.

        No transaction is open. It may run again when a worker dies, so it writes nothing itself. Errors of
        models (`chat.llm.errors`) are raised as they are; each has its place in the retry rules.
        """
        ...


def chat_of(event: Event) -> int:
    """The id of the chat in whose stream the event is: the stream's own."""
    return event.stream_id
