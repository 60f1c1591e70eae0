"""Text that every database can hold, and numbers read from text."""

from typing import Any

LARGEST_NUMBER = 2**63 - 1


def clean(value: Any) -> Any:
    """JSON values without U+0000 and lone surrogates: PostgreSQL's text and jsonb cannot hold them."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "ignore").decode()
    if isinstance(value, dict):
        return {name: clean(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    return value


def whole(digits: str) -> int | None:
    """The whole number that these digits write out; None for anything else, and for more than a database holds."""
    # The length first: Python refuses to read thousands of digits.
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= len(str(LARGEST_NUMBER))):
        return None
    number = int(digits)
    return number if number <= LARGEST_NUMBER else None
