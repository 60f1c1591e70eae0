"""What can go wrong with a model; each docstring is a sentence that a player can be shown.

`transient` says whether asking again later, unchanged, can heal it. No message ever holds the key.
"""

from typing import ClassVar

from chat.errors import ChatError


class ModelError(ChatError):
    """The model could not answer."""

    status = 502
    transient: ClassVar[bool] = False


class ModelUnreachableError(ModelError):
    """The model's server cannot be reached."""

    status = 503
    transient = True


class ModelTimeoutError(ModelError):
    """The model took too long to answer."""

    status = 504
    transient = True


class ModelRateLimitedError(ModelError):
    """The model's server asks us to wait: too many requests."""

    status = 429
    transient = True

    def __init__(self, detail: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        #: Seconds the server asked us to wait, if it said so.
        self.retry_after = retry_after


class ModelServerError(ModelError):
    """The model's server reported an error of its own."""

    transient = True


class ModelRefusedError(ModelError):
    """The model's server refused us: look at the key, the credit and the model's name."""

    def __init__(self, detail: str = "", *, upstream_status: int) -> None:
        super().__init__(detail)
        #: 401 or 403 (key), 402 (credit) or 404 (no such model or address).
        self.upstream_status = upstream_status


class ModelRequestError(ModelError):
    """The model's server would not accept the request."""

    def __init__(self, detail: str = "", *, upstream_status: int) -> None:
        super().__init__(detail)
        #: The 4xx that the server answered with.
        self.upstream_status = upstream_status


class ModelInterruptedError(ModelError):
    """The reply broke off before its end."""

    transient = True


class ModelOutputError(ModelError):
    """The model's answer did not have the form it was asked for."""


class NoModelError(ModelError):
    """No model is connected. Set PALIMPSEST_MODEL_URL and PALIMPSEST_MODEL (with ./run: --model-url and --model)."""

    status = 503


class NoReaderError(ModelError):
    """No model is connected that can read turns and answer in JSON."""

    status = 503
