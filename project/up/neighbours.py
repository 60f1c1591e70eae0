"""Model servers that already run on this machine, and the words that would connect them."""

import http.client
import json
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

from chat.llm.endpoint import without_password

#: Each program's own default port.
KNOWN = {"Ollama": 11434, "llama.cpp": 8080, "LM Studio": 1234}
PATIENCE = 0.3
#: Names that are shown when the one that was given is not among them.
SHOWN = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbour:
    """A model server on loopback and a model that it offers."""

    name: str
    url: str
    model: str

    @property
    def flags(self) -> str:
        """What to give to `./run`."""
        return f"--model-url {self.url} --model {self.model}"


def look_around(ports: Iterable[tuple[str, int]] = tuple(KNOWN.items())) -> list[Neighbour]:
    """The servers that answer within 0.3 s and offer a model."""

    def look(name: str, port: int) -> Neighbour | None:
        url = f"http://127.0.0.1:{port}/v1"
        model = offered_model(url, patience=PATIENCE)
        return Neighbour(name=name, url=url, model=model) if model else None

    places = list(ports)
    with ThreadPoolExecutor(max_workers=max(len(places), 1)) as threads:
        found = threads.map(lambda place: look(*place), places)
        return [neighbour for neighbour in found if neighbour]


def offered_model(url: str, *, key: str = "", patience: float = 5.0) -> str:
    """The first model that talks which the server at `url` offers; "" when there is none, or no server."""
    try:
        return next(iter(_pasteable(_listed(url, key, patience))), "")
    except OSError:
        return ""


def doubt(url: str, model: str, *, key: str = "", patience: float = 2.0) -> str:
    """What seems wrong with a model before anybody has asked it anything, in a sentence; "" when nothing does."""
    said = without_password(url)
    try:
        listed = _listed(url, key, patience)
    except TimeoutError:
        return f"{said} has not said within {patience:.0f} s which models it has: it may be busy, or no model server."
    except OSError as error:
        return f"{said} cannot be reached right now ({error.strerror or error}): until it can, nobody will answer."
    if not listed or {model, f"{model}:latest"} & set(listed):
        return ""
    offer = _pasteable(listed)
    names = (", ".join(offer[:SHOWN]) or "others") + (" …" if len(offer) > SHOWN else "")
    return f"{said} lists {names}, and not {model}: if nobody answers, name one of these with --model."


def _listed(url: str, key: str, patience: float) -> list[str]:
    """The models that a server lists; none when it has no list. Raises OSError when there is no server."""
    parts = urlsplit(url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        with closing(connect(parts.hostname or "", parts.port, timeout=patience)) as connection:
            connection.request("GET", f"{parts.path.rstrip('/')}/models", headers=headers)
            return [str(model["id"]) for model in json.loads(connection.getresponse().read())["data"]]
    except (ValueError, http.client.HTTPException, KeyError, TypeError):
        return []


def _pasteable(names: list[str]) -> list[str]:
    """Those of models that talk and are safe to paste into a shell, whoever answered."""
    return [name for name in names if "embed" not in name.lower() and re.fullmatch(r"[\w.:/@+-]+", name)]
