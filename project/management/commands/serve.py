"""`manage.py serve`: the web server, one process; any number of them may run behind a proxy."""

# Before anything of Twisted: it installs the reactor that runs on asyncio.
from project.web_server import WebServer, address, leave  # isort: skip

import logging
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.turns.generation import shut_down
from project.asgi import application
from project.up.options import Options


class Command(BaseCommand):
    """Serve pages, WebSockets and event streams until SIGTERM."""

    help = "Serves the site with daphne, on a port or on a UNIX socket."
    requires_system_checks: list[str] = []  # noqa: RUF012  (Django's own declaration)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to listen."""
        parser.add_argument("--host", default=Options().host)
        parser.add_argument("--port", type=int, default=Options().port)
        parser.add_argument("--unix", metavar="PATH", help="listen on this UNIX socket, and on no port")

    def handle(self, *, host: str, port: int, unix: str | None, **_: Any) -> None:
        """Exit status 1 when it cannot listen there."""
        logging.getLogger("daphne").setLevel(logging.WARNING)
        server = WebServer(application, listen_on=address(host=host, port=port, unix=unix), settle=shut_down)
        server.run()
        if server.cannot_listen:
            raise CommandError(server.cannot_listen)
        leave()
