"""`manage.py mcp`: the operators' tools over stdio, for an agent on this machine."""

import sys
from typing import Any

import anyio
from django.core.management.base import BaseCommand, CommandParser
from mcp.server.stdio import stdio_server

from agent.management.door import operator
from agent.mcp.server import server
from agent.operations.operator import Operator


class Command(BaseCommand):
    """Speaks MCP until its input ends."""

    help = "Serve the operators' tools over stdio (Model Context Protocol), acting for one user."

    def add_arguments(self, parser: CommandParser) -> None:
        """For whom, and what of it."""
        parser.add_argument("--as-user", required=True, metavar="NAME", help="for whom it acts; the audit says so")
        parser.add_argument("--client", default="stdio", metavar="NAME", help="which agent; the audit says so")
        parser.add_argument("--scope", action="append", metavar="SCOPE", help="only these acts")

    def handle(self, *_: Any, **options: Any) -> None:
        """Serve."""
        scopes = None if options["scope"] is None else frozenset(options["scope"])
        operator(options["as_user"])  # exit status 2 for nobody, before anything is spoken

        def who(_: Any) -> Operator:
            user = operator(options["as_user"]).user
            return Operator(user=user, channel="mcp", client=options["client"], scopes=scopes)

        anyio.run(_serve, who)


async def _serve(who: Any) -> None:
    tools = server(who)
    async with stdio_server() as (incoming, outgoing):
        await tools.run(incoming, outgoing, tools.create_initialization_options())
    sys.stdout.flush()
