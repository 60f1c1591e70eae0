"""How long a turn may be, and how often one user may send one: counted in each process, so that no broker is asked."""

from django.conf import settings
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from chat.errors import ChatError

#: Of a turn's text.
TURN_CHARACTERS = 20_000

_limiter = MovingWindowRateLimiter(MemoryStorage())


class TurnTooLongError(ChatError):
    """A turn may have 20,000 characters at most."""

    status = 413


class TooManyTurnsError(ChatError):
    """You are sending faster than this house allows. Wait a moment and send it again."""

    status = 429
    #: Seconds.
    retry_after = 10


def count_turn(user_id: int) -> None:
    """Count one sending; TooManyTurnsError above PALIMPSEST_TURNS_PER_MINUTE (0: no limit)."""
    if settings.TURNS_PER_MINUTE and not _limiter.hit(
        RateLimitItemPerMinute(settings.TURNS_PER_MINUTE), "turns", str(user_id)
    ):
        raise TooManyTurnsError
