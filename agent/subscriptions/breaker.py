"""One breaker per endpoint: a model that refuses us is left alone until a probe passes."""

import logging
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from agent.models import SuspendedEndpoint
from agent.subscriptions import alerts
from agent.subscriptions.base import Reaction
from chat.llm.client import LanguageModel, get_model, get_reader
from chat.llm.errors import NoModelError, NoReaderError

logger = logging.getLogger(__name__)

LONGEST_NAME = 300


def endpoint_of(reaction: Reaction) -> str:
    """The name of the model a Reaction asks, e.g. `gpt-4 at api.example.org`; "" for none, or while words must do."""
    if not reaction.endpoint or not _is_connected(reaction):
        return ""
    if reaction.endpoint == "model":
        return _name(settings.MODEL, settings.MODEL_URL)
    return _name(settings.READER_MODEL, settings.READER_URL)


def suspend(endpoint: str, *, reason: str) -> None:
    """Leave an endpoint alone; the first to say so tells the operator."""
    _, first = SuspendedEndpoint.objects.get_or_create(
        name=endpoint,
        defaults={"reason": reason, "suspended_at": Now(), "probe_at": _next_probe()},
    )
    if first:
        alerts.endpoint_suspended(endpoint, reason=reason)


async def probe(reaction: Reaction) -> bool:
    """Ask the model of a Reaction whether it takes us now."""
    return (await _model(reaction).probe()).ok


def is_mine_to_probe(endpoint: str) -> bool:
    """Whether a probe is due, and this process the one to make it."""
    due = SuspendedEndpoint.objects.filter(name=endpoint, probe_at__lte=Now())
    return bool(endpoint) and bool(due.update(probe_at=_next_probe()))


def resume(endpoint: str) -> None:
    """It takes us again."""
    if SuspendedEndpoint.objects.filter(name=endpoint).delete()[0]:
        logger.warning("%s answers again", endpoint)


def _is_connected(reaction: Reaction) -> bool:
    try:
        _model(reaction)
    except (NoModelError, NoReaderError):
        return False
    return True


def _model(reaction: Reaction) -> LanguageModel:
    return get_model() if reaction.endpoint == "model" else get_reader()


def _next_probe() -> models.expressions.CombinedExpression:
    return Now() + timedelta(seconds=settings.PROBE_SECONDS)


def _name(model: str, url: str) -> str:
    host = urlsplit(url).netloc.rpartition("@")[2]
    return f"{model.strip()} at {host or 'no address'}"[:LONGEST_NAME]
