"""Keeps what would let a reader in out of the logs."""

import logging
import re

_ENTRANCE = re.compile(r"(/enter/)[^/\s\"']+")


class WithoutTokens(logging.Filter):
    """Lets every record through, with the tokens of one-time links left out."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always True; the record is changed where it names a link."""
        record.msg = _without_tokens(record.msg)
        if isinstance(record.args, tuple):
            record.args = tuple(_without_tokens(value) for value in record.args)
        return True


def _without_tokens(value: object) -> object:
    return _ENTRANCE.sub(r"\1…", value) if isinstance(value, str) else value
