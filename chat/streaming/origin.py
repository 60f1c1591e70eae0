"""Which pages may open a WebSocket: our own. A browser sends cookies along whichever page asks, hence the question."""

from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import split_domain_port, validate_host


class SameOrigin:
    """ASGI middleware: refuses a WebSocket whose Origin is not the host that it is sent to.

    Stricter than Channels' AllowedHostsOriginValidator, which lets every port of an allowed host in.
    CSRF_TRUSTED_ORIGINS may come as well, as they may post forms.
    """

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Pass on, or deny before the handshake."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if is_ours(headers.get(b"origin", ""), headers.get(b"host", "")):
            await self.application(scope, receive, send)
        else:
            await WebsocketDenier()(scope, receive, send)


def is_ours(origin: str, host: str) -> bool:
    """Whether a page of `origin` may talk to this site under the name `host`."""
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    domain, _ = split_domain_port(host)
    try:
        netloc = urlsplit(origin).netloc
    except ValueError:
        return False
    # The scheme is left out: behind a proxy that ends TLS we see ws where the browser saw wss.
    return bool(netloc) and netloc.lower() == host.lower() and validate_host(domain, settings.ALLOWED_HOSTS)
