"""Why Palimpsest could not be started; each is one sentence on stderr and exit status 1."""

from chat.errors import ChatError


class CannotStartError(ChatError):
    """Palimpsest could not be started."""
