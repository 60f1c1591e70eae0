"""`manage.py up`: starts everything Palimpsest needs on one machine, and ends it again; `./run` calls it."""

import asyncio
import logging
import os
import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.core.management.color import supports_color
from django.db import connections

from chat.llm.endpoint import without_password
from project.up.errors import CannotStartError
from project.up.first_start import entrance, make_first_account, still_to_be_used
from project.up.journal import Journal
from project.up.neighbours import doubt, look_around, offered_model
from project.up.options import Options, decide, keep, port_of
from project.up.preparing import claim_folder, free_port, migrate
from project.up.recipes import WILDCARDS, Household, names_of_this_machine, plan
from project.up.supervisor import Supervisor

OPTIONS = ("host", "port", "no-demo", "model-url", "model", "model-key")


class Command(BaseCommand):
    """Start everything, and keep it running until Ctrl-C."""

    help = "Starts everything Palimpsest needs on this machine and prints the link that lets you in."
    requires_system_checks: list[str] = []  # noqa: RUF012  (Django's own declaration)

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """The parser; what it cannot read is one sentence and exit status 2, without a page on how to use it."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.error = partial(_refuse, parser)  # type: ignore[method-assign]
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options of a start; those given are kept for the next one."""
        parser.add_argument("--host", help="address to serve on (127.0.0.1)")
        parser.add_argument("--port", type=_port, help="port to serve on (8000; 0 for any free one)")
        parser.add_argument("--no-demo", action="store_true", default=None, help="no demo story")
        parser.add_argument("--model-url", help="an OpenAI-compatible endpoint, as http://127.0.0.1:11434/v1")
        parser.add_argument("--model", help="its name there; 'builtin' for the built-in one, 'none' for none")
        parser.add_argument("--model-key", help="the endpoint's key")

    def handle(self, **given: Any) -> None:
        """Exit status 1 and one sentence when it cannot be started."""
        signal.signal(signal.SIGTERM, _as_if_by_ctrl_c)
        journal = Journal(self._write, coloured=supports_color() and not given["no_color"])
        try:
            _start({name: given[name] for name in (option.replace("-", "_") for option in OPTIONS)}, journal)
        except CannotStartError as error:
            self.stderr.write(str(error))
            sys.exit(1)
        except KeyboardInterrupt:
            sys.exit(130)
        self.stdout.flush()
        # Taking down all that was imported costs a second or two that whoever pressed Ctrl-C would wait.
        os._exit(0)

    def _write(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _refuse(parser: CommandParser, message: str) -> NoReturn:
    unknown = message.removeprefix("unrecognized arguments: ")
    if unknown == message:
        parser.exit(2, f"{message.removeprefix('argument ')}\n")
    parser.exit(2, f"There is no option {unknown}; ./run takes {' '.join(f'--{name}' for name in OPTIONS)}.\n")


def _port(words: str) -> int:
    try:
        return port_of(words)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def _start(given: dict[str, Any], journal: Journal) -> None:
    options = decide(_configured(), given=given)
    # Held until this process ends, and not a moment longer.
    with claim_folder(settings.VAR_DIR, settings.SOCKET_DIR):
        options = _with_a_model_name(options, journal)
        chosen = replace(options, port=free_port(options.host, options.port))
        keep(options, settings.OPTIONS_PATH)
        with journal.working("bringing the database up to date"):
            migrate()
        with journal.working("setting the stage"), _bell_unheard():
            make_first_account(demo=not options.no_demo)
        connections.close_all()
        _speak_of_models(chosen, journal)
        household = plan(chosen, welcome=partial(_welcome, chosen, journal))
        settings.BUILTIN_MODEL_PATH.write_text(household.builtin_model)
        asyncio.run(_supervise(household, journal))


async def _supervise(household: Household, journal: Journal) -> None:
    await Supervisor(household, journal).run()


def _configured() -> Options:
    """The environment's options, and where it is silent those that were kept."""
    try:
        port = port_of(settings.PORT)
    except ValueError as error:
        raise CannotStartError(f"PALIMPSEST_PORT: {error}") from None
    return Options(
        host=settings.HOST,
        port=port,
        no_demo=settings.NO_DEMO,
        model_url=settings.MODEL_URL,
        model=settings.MODEL,
        model_key=settings.MODEL_KEY,
    )


def _with_a_model_name(options: Options, journal: Journal) -> Options:
    """With a server but no name: the first model that the server offers, said aloud."""
    if not options.model_url or options.model:
        return options
    address = without_password(options.model_url)
    with journal.working(f"asking {address} what it offers"):
        model = offered_model(options.model_url, key=options.model_key)
    if not model:
        raise CannotStartError(f"{address} offers no model by itself: name one with --model.")
    journal.say(f"{address} offers {model}; another one: --model NAME")
    return replace(options, model=model)


@contextmanager
def _bell_unheard() -> Iterator[None]:
    """While nobody listens yet, a bell that cannot be rung is no news."""
    logger = logging.getLogger("chat.log.bell")
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = False


def _speak_of_models(options: Options, journal: Journal) -> None:
    if options.model_url:
        journal.say(f"{options.model} at {without_password(options.model_url)} plays.")
        if doubted := doubt(options.model_url, options.model, key=options.model_key):
            journal.say(doubted)
        return
    what = "A tiny built-in model plays" if options.brings_model else "No model plays"
    journal.say(f"{what}. To connect one: ./run --model-url URL --model NAME [--model-key KEY]")
    for neighbour in look_around():
        journal.say(f"{neighbour.name} runs on this machine: ./run {neighbour.flags}")


def _welcome(options: Options, journal: Journal) -> None:
    host = options.host.strip("[]")
    host = WILDCARDS.get(host, host)
    host = f"[{host}]" if ":" in host else host
    if options.host in WILDCARDS:
        names = ", ".join(names_of_this_machine(options.host))
        journal.say(f"Elsewhere on your network this machine goes by: {names} (port {options.port})")
    if still_to_be_used(entrance()):
        journal.say(f"Open http://{host}:{options.port}{entrance()}")


def _as_if_by_ctrl_c(*_: object) -> NoReturn:
    raise KeyboardInterrupt
