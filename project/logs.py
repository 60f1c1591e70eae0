"""How the site writes its log: one line an entry, to the console."""

from typing import Any


def lines_at(level: str) -> dict[str, Any]:
    """The setting LOGGING, for entries of this level and above."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s", "datefmt": "%H:%M:%S"}},
        "filters": {"without_tokens": {"()": "project.log_filter.WithoutTokens"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["without_tokens"]}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django_eventstream": {"level": "WARNING"},
            "httpx2": {"level": "WARNING"},
            "httpcore2": {"level": "WARNING"},
            "openai": {"level": "WARNING"},
            "mcp.server.streamable_http": {"level": "WARNING"},
            # Somebody asked for a host that is not ours: a scanner, most likely, and no fault with a traceback.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            # A traceback a second while the broker is away; chat.streaming.wire says it in one line.
            "channels_redis": {"level": "CRITICAL"},
            "django.channels.server": {"level": "WARNING"},
            # Here as well, for its other handlers: the one that mails errors.
            "django.request": {"filters": ["without_tokens"]},
        },
    }
