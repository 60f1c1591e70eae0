"""Telling the operator: one ERROR line, and one POST per fingerprint to PALIMPSEST_ALERT_URL if that is set."""

import json
import logging
import urllib.request
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models.functions import Now

from agent.models import AlertSent

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 5.0


def lane_wedged(lane: str, *, event: int, reason: str, fingerprint: str) -> None:
    """A lane (`subscriber/stream`) stands still at an event until an operator sees to it."""
    logger.error("%s is wedged at event %d: %s (%s)", lane, event, reason, fingerprint)
    _post_once(fingerprint, f"{lane} is wedged at event {event}: {reason}", lane=lane, event=event)


def endpoint_suspended(endpoint: str, *, reason: str) -> None:
    """A model refuses us; what needs it waits until a probe passes."""
    logger.error("%s is suspended: %s", endpoint, reason)
    # Not once for ever: a key can run out every month.
    _post(f"{endpoint} is suspended: {reason}", endpoint=endpoint)


def _post_once(fingerprint: str, text: str, **about: object) -> None:
    if not settings.ALERT_URL:
        return
    _, first = AlertSent.objects.get_or_create(fingerprint=fingerprint, defaults={"sent_at": Now()})
    if first:
        _post(text, fingerprint=fingerprint, **about)


def _post(text: str, **about: object) -> None:
    if urlsplit(settings.ALERT_URL).scheme not in {"http", "https"}:
        return
    request = urllib.request.Request(  # noqa: S310  (the scheme was looked at)
        settings.ALERT_URL,
        data=json.dumps({"text": text, **about}).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310  (the same)
            pass
    except OSError as error:
        logger.warning("the alert could not be posted: %s", error)
