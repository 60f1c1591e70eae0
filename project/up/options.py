"""The options of a start: what is given now is stronger than the environment, that than what was kept."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chat.llm.endpoint import without_password
from project.up.errors import CannotStartError

BUILTIN = "builtin"
NO_MODEL = "none"
LAST_PORT = 65535


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Where to serve, and which model plays."""

    host: str = "127.0.0.1"
    port: int = 8000
    no_demo: bool = False
    #: An OpenAI-compatible endpoint; "" for the built-in model (or none, see `model`).
    model_url: str = ""
    #: Its name there; "none" for no model at all, "builtin" or "" for the built-in one.
    model: str = ""
    #: A secret: never logged, and kept with mode 600.
    model_key: str = ""

    @property
    def brings_model(self) -> bool:
        """Whether the built-in model is to run."""
        return not self.model_url and self.model in {"", BUILTIN}


def port_of(words: str) -> int:
    """A port as it was written; ValueError with a sentence for anything else."""
    if not (words.isascii() and words.isdecimal() and int(words) <= LAST_PORT):
        raise ValueError(f"{words!r} is no port: choose one from 1 to {LAST_PORT}, or 0 for any that is free.")
    return int(words)


def decide(current: Options, *, given: Mapping[str, Any]) -> Options:
    """The options of this start; a name in `given` that is None was not given.

    The model's three options stand together: a key must not reach another server than its own, and a model's
    name means nothing to another server.
    """
    words = {name: value for name, value in given.items() if value is not None}
    if "model_url" in words or words.get("model") in {NO_MODEL, BUILTIN}:
        current = replace(current, model_url="", model="", model_key="")
    decided = replace(current, **words)
    if decided.model_url and not _is_address(decided.model_url):
        raise CannotStartError(
            f"{without_password(decided.model_url)!r} is no server's address: "
            "give one as in --model-url http://127.0.0.1:11434/v1"
        )
    if decided.model not in {"", NO_MODEL, BUILTIN} and not decided.model_url:
        raise CannotStartError(
            f"The model {decided.model} needs its server, as in --model-url http://127.0.0.1:11434/v1"
        )
    return decided


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def keep(options: Options, path: Path) -> None:
    """Write what differs from the defaults to `path`, readable by its owner only."""
    kept = {name.upper(): str(value) for name, value in asdict(options).items() if value != getattr(Options(), name)}
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(kept, file, indent=1)
    draft.replace(path)
