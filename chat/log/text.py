"""Text that every database can hold."""

from typing import Any


def clean(value: Any) -> Any:
    """JSON values without U+0000 and lone surrogates: PostgreSQL's text and jsonb cannot hold them."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "ignore").decode()
    if isinstance(value, dict):
        return {name: clean(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    return value
