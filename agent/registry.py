"""The subscribers there are: one written-out tuple, and those that a host names in its settings."""

from functools import cache
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.utils.module_loading import import_string

from agent.projections.activity import Activity
from agent.projections.turn_search import TurnSearch
from agent.reactions.caution_drafter import CautionDrafter
from agent.reactions.chronicler import Chronicler
from agent.reactions.drill import Drill
from agent.reactions.run_debriefer import RunDebriefer
from agent.subscriptions import checks
from agent.subscriptions.base import Projection, Reaction
from chat.errors import ChatError

SUBSCRIBERS: tuple[Projection | Reaction, ...] = (
    TurnSearch(),
    Activity(),
    Chronicler(),
    RunDebriefer(),
    CautionDrafter(),
    Drill(),
)


class NoSuchSubscriberError(ChatError):
    """There is no subscriber of that name."""

    status = 404


def subscribers() -> tuple[Projection | Reaction, ...]:
    """Ours, then those of the setting `SUBSCRIBERS` (dotted names of classes)."""
    return (*SUBSCRIBERS, *(_made(name) for name in settings.SUBSCRIBERS))


def projections() -> list[Projection]:
    """Every Projection."""
    return [subscriber for subscriber in subscribers() if isinstance(subscriber, Projection)]


def reactions() -> list[Reaction]:
    """Every Reaction."""
    return [subscriber for subscriber in subscribers() if isinstance(subscriber, Reaction)]


def readers() -> list[Reaction]:
    """Every Reaction that reads the story: all but the fire drill."""
    return [reaction for reaction in reactions() if not isinstance(reaction, Drill)]


def projection(name: str) -> Projection:
    """The Projection of that name; NoSuchSubscriberError."""
    return _named(projections(), name)


def reaction(name: str) -> Reaction:
    """The Reaction of that name; NoSuchSubscriberError."""
    return _named(reactions(), name)


def loss_of(name: str) -> str:
    """What will not happen when the Reaction of that name is spared an event; "" for what is no Reaction."""
    return next((one.loss for one in reactions() if one.name == name), "")


def accepts_late(name: str) -> bool:
    """Whether the Reaction of that name may deal with a dismissed event after all; not for what is no Reaction."""
    return any(one.name == name and one.accepts_late for one in reactions())


def check(**_: Any) -> list[CheckMessage]:
    """System check: every subscriber is declared rightly."""
    return checks.check(subscribers())


def _named[S: (Projection, Reaction)](those: list[S], name: str) -> S:
    for subscriber in those:
        if subscriber.name == name:
            return subscriber
    raise NoSuchSubscriberError


@cache
def _made(name: str) -> Projection | Reaction:
    subscriber: Projection | Reaction = import_string(name)()
    return subscriber
