"""Performing: authorise first, then act or read, and note what was refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.utils import timezone

from agent.operations import refusals
from agent.operations.command import Command, address
from agent.operations.locking import reachable
from agent.operations.operator import NotPermittedError, Operator, authorise
from chat.errors import ChatError


@contextmanager
def performing(command: Command, *, by: Operator) -> Iterator[None]:
    """Around an operation: raises NotPermittedError before anything else, and a ChatError for every refusal."""
    with _noted(by, command.act, address(command.target())), reachable():
        authorise(by, command.act)
        yield


@contextmanager
def consulting(by: Operator | None, act: str = "view_desk", *others: str) -> Iterator[datetime]:
    """Around reading, for who may do the act or one of the others: as `performing`; gives the time it is read as of.

    None stands for the machine's own shell: who is there has the database. Of what is refused, only that somebody
    may not read is noted.
    """
    with reachable():
        if by is not None:
            _authorise_reading(by, next((one for one in others if by.may(one)), act))
        yield timezone.now() if by is None else by.at


def _authorise_reading(by: Operator, act: str) -> None:
    try:
        authorise(by, act)
    except NotPermittedError as refused:
        refusals.note(refused, by=by, act=act, target="")
        raise


@contextmanager
def _noted(by: Operator, act: str, target: str) -> Iterator[None]:
    try:
        yield
    except ChatError as refused:
        refusals.note(refused, by=by, act=act, target=target)
        raise
