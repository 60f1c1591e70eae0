"""Refusals: who was refused what, kept for a while so that the desk can show it."""

import logging
from datetime import timedelta

from django.db import Error

from agent.desk_models import Refusal
from agent.operations.locking import short_transaction
from agent.operations.operator import Operator
from agent.operations.problems import slug_of
from chat.errors import ChatError

logger = logging.getLogger(__name__)

KEPT = timedelta(days=30)
#: Of one person; what is above it is only logged.
MOST_A_MINUTE = 60


def note(refused: ChatError, *, by: Operator, act: str, target: str) -> None:
    """Write down a refusal; never raises because of the database."""
    logger.info("%s was refused %s %s: %s", by.name, act, target, refused.detail)
    try:
        # Of its own: an operation that was refused has been rolled back by now.
        with short_transaction(patience=1):
            _keep(refused, by, act, target)
    except Error as error:
        logger.warning("a refusal could not be noted: %s", error)


def _keep(refused: ChatError, by: Operator, act: str, target: str) -> None:
    Refusal.objects.filter(at__lt=by.at - KEPT).delete()
    lately = Refusal.objects.filter(principal_id=by.user.pk, at__gt=by.at - timedelta(minutes=1))
    if lately.count() >= MOST_A_MINUTE:
        return
    Refusal.objects.create(
        at=by.at,
        principal_id=by.user.pk,
        principal_name=by.name,
        channel=by.channel,
        client=by.client,
        act=act,
        target=target,
        status=refused.status,
        problem=slug_of(refused),
        detail=refused.detail,
    )
