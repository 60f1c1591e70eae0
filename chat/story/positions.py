"""Which fields of a payload name other events, so that a story can be copied into another log."""

from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache
from typing import Any, get_args, get_type_hints

#: The position of an earlier event of the same stream: every field of a payload that names one is declared so.
type Position = int


def references(payload: Any) -> set[int]:
    """The positions that a payload names."""
    kind: Any = type(payload)
    values = [getattr(payload, name) for name in positions_of(kind)]
    return {one for value in values for one in (value if isinstance(value, tuple) else [value]) if one is not None}


def moved[P](payload: P, ids: Mapping[int, int]) -> P:
    """The payload with each position that it names as `ids` has it; KeyError for one that is not there."""
    changed: dict[str, Any] = {}
    kind: Any = type(payload)
    for name in positions_of(kind):
        value = getattr(payload, name)
        if value is not None:
            changed[name] = tuple(ids[one] for one in value) if isinstance(value, tuple) else ids[value]
    return replace(payload, **changed)  # type: ignore[type-var]


@cache
def positions_of(payload: type[Any]) -> tuple[str, ...]:
    """The fields of a kind of payload that name positions."""
    hints = get_type_hints(payload)
    return tuple(field.name for field in fields(payload) if _names_positions(hints[field.name]))


def _names_positions(hint: Any) -> bool:
    return hint is Position or any(_names_positions(part) for part in get_args(hint))
