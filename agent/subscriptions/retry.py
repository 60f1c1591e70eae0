"""What a failure means: how long to wait, and when retrying will not heal it. Every rule is a pure function."""

import hashlib
import random
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.conf import settings

from agent.subscriptions.base import Reaction
from chat.database import AWAY
from chat.llm.errors import ModelError, ModelOutputError, ModelRefusedError, NoModelError, NoReaderError
from chat.log.text import clean

#: `transient` heals by itself; `output` may come out better next time; `lasting` is wrong about the event or us;
#: `refused` is the endpoint's word on us, and no fault of the event.
type Kind = Literal["transient", "output", "lasting", "refused"]

OUTPUT_TRIES = 3
LASTING_TRIES = 2
LIVES = 3
SUCCESSES_ELSEWHERE = 20
LONGEST_TRACEBACK = 8000
#: Seconds waited at a server's word, at most: some proxies send a point in time where seconds are meant.
LONGEST_ASKED_FOR = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A failure as it is kept."""

    kind: Kind
    error: str
    message: str
    traceback: str
    #: The same for the same fault, whatever the event.
    fingerprint: str
    #: Seconds that the server asked us to wait.
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """A charged Attempt at the same event, as the rules see it; "lost" when its worker died."""

    kind: str
    fingerprint: str
    ours: bool


@dataclass(frozen=True, slots=True)
class Window:
    """The first and the longest window of the backoff, in seconds."""

    first: float
    longest: float


def failure_of(error: BaseException) -> Failure:
    """What befell a Reaction, in our words, which every database can hold: it may quote a model or its server."""
    return Failure(
        kind=kind_of(error),
        error=type(error).__qualname__,
        message=clean(str(error))[:2000],
        traceback=clean("".join(traceback.format_exception(error)))[-LONGEST_TRACEBACK:],
        fingerprint=fingerprint_of(error),
        retry_after=getattr(error, "retry_after", None),
    )


def kind_of(error: BaseException) -> Kind:
    """What kind of failure an exception is."""
    if isinstance(error, ModelRefusedError | NoModelError | NoReaderError):
        return "refused"
    if isinstance(error, ModelOutputError):
        return "output"
    if getattr(error, "transient", False) or isinstance(error, (*AWAY, TimeoutError, ConnectionError)):
        return "transient"
    return "lasting"


def fingerprint_of(error: BaseException) -> str:
    """Class and place of an exception of ours; class and status of a model's: messages differ from time to time."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].name}" if frames else ""
    if isinstance(error, ModelError):
        place = str(getattr(error, "upstream_status", ""))
    return hashlib.sha256(f"{type(error).__module__}.{type(error).__qualname__} {place}".encode()).hexdigest()[:16]


def delay(window: Window, *, tries: int, retry_after: float | None, rng: random.Random) -> float:
    """Seconds to wait after the `tries`th failure in a row: full jitter, and what was asked for up to an hour.

    Full jitter as in M. Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015).
    """
    # A double's range ends long before an outage might.
    widest = min(window.longest, window.first * 2.0 ** min(max(tries - 1, 0), 60))
    return max(rng.uniform(0, widest), min(retry_after or 0.0, LONGEST_ASKED_FOR))


def window_of(reaction: Reaction) -> Window:
    """The Reaction's own window, or the site's."""
    return Window(
        first=reaction.retry_first if reaction.retry_first is not None else settings.RETRY_FIRST_SECONDS,
        longest=reaction.retry_longest if reaction.retry_longest is not None else settings.RETRY_LONGEST_SECONDS,
    )


def why_wedged(history: Sequence[Past], *, elsewhere: int) -> str:
    """Why retrying will not heal it; "" while it may. `history` ends with the newest failure.

    `elsewhere`: successes of other lanes on the same endpoint since the first transient failure in it.
    """
    reasons = (
        killed_too_often(history),
        no_valid_output(history),
        fails_for_good(history),
        outlived(history, elsewhere=elsewhere),
    )
    return next((reason for reason in reasons if reason), "")


def killed_too_often(history: Sequence[Past]) -> str:
    """A worker died on it three times."""
    deaths = sum(past.kind == "lost" for past in history)
    return f"its worker died on it {deaths} times" if deaths >= LIVES else ""


def no_valid_output(history: Sequence[Past]) -> str:
    """The model's answer was no use in three tries."""
    tries = sum(past.kind == "output" for past in history)
    return f"no valid output in {tries} tries" if tries >= OUTPUT_TRIES else ""


def fails_for_good(history: Sequence[Past]) -> str:
    """An exception of ours twice, or the same non-transient fingerprint twice."""
    lasting = [past for past in history if past.kind == "lasting"]
    if sum(past.ours for past in lasting) >= LASTING_TRIES:
        return "our own code fails on it"
    prints = [past.fingerprint for past in lasting]
    return "the same error again" if any(prints.count(one) >= LASTING_TRIES for one in prints) else ""


def outlived(history: Sequence[Past], *, elsewhere: int) -> str:
    """Called transient, but of this event alone: others came through while it failed."""
    if elsewhere < SUCCESSES_ELSEWHERE or not history or history[-1].kind != "transient":
        return ""
    return f"it fails while {elsewhere} others came through"
