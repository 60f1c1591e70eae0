"""How often one may try to sign in, by address and by name."""

from django.conf import settings
from django.http import HttpRequest

from chat.errors import ChatError
from chat.turns.limits import within

#: One address may try several names (a family behind one router), but not a dictionary of them.
NAMES_PER_ADDRESS = 5


class TooManyLoginsError(ChatError):
    """Too many attempts to sign in. Wait a minute and try again."""

    status = 429
    #: Seconds.
    retry_after = 60


def count_login(request: HttpRequest, *, name: str) -> None:
    """Count an attempt to sign in; TooManyLoginsError above PALIMPSEST_LOGINS_PER_MINUTE (0: no limit)."""
    most = settings.LOGINS_PER_MINUTE
    if not most:
        return
    address = client_address(request)
    by_address = within(most * NAMES_PER_ADDRESS, "logins-of", address)
    by_name = within(most, "logins-as", address, name.strip().casefold()[:150])
    if not (by_address and by_name):
        raise TooManyLoginsError


def client_address(request: HttpRequest) -> str:
    """Where a request comes from; behind our proxy, what the proxy says."""
    if settings.BEHIND_PROXY and (forwarded := request.headers.get("X-Forwarded-For")):
        # The last one is what our own proxy saw; those before it are the client's word.
        return str(forwarded.rpartition(",")[2].strip())
    return str(request.META.get("REMOTE_ADDR") or "")
