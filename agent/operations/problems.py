"""Refusals as problem details (RFC 9457), the same object through every door."""

import re
from collections.abc import Mapping
from typing import Any

from chat.errors import ChatError

#: Types are stable: programs tell refusals apart by them.
TYPE = "urn:palimpsest:problem:"


def slug_of(error: ChatError) -> str:
    """The last part of a problem's type: `EventPassedError` is `event-passed`."""
    name = type(error).__name__.removesuffix("Error")
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def problem_of(error: ChatError) -> dict[str, Any]:
    """`type`, `title`, `status`, `detail`; `present`, how things stand, where that helps."""
    present: Mapping[str, Any] | None = getattr(error, "present", None)
    return problem(slug_of(error), title=type(error).message(), status=error.status, detail=error.detail) | (
        {} if present is None else {"present": dict(present)}
    )


def problem(slug: str, *, title: str, status: int, detail: str) -> dict[str, Any]:
    """A problem that is no ChatError's."""
    return {"type": f"{TYPE}{slug}", "title": title, "status": status, "detail": detail}
