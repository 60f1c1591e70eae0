"""How often one user may send a turn; counted in each process, so that no broker stands in a player's way."""

from django.conf import settings
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from chat.errors import ChatError

_limiter = MovingWindowRateLimiter(MemoryStorage())


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
