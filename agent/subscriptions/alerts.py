"""Telling the operator: one ERROR line, and one POST per fingerprint to PALIMPSEST_ALERT_URL if that is set."""

import json
import logging
import urllib.request
from http.client import HTTPException
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models.functions import Now

from agent.models import AlertSent, Bookmark

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 5.0


def lane_wedged(lane: str, *, event: int, reason: str, fingerprint: str) -> None:
    """A lane (`subscriber/stream`) stands still at an event until an operator sees to it."""
    logger.error("%s is wedged at event %d: %s (%s)", lane, event, reason, fingerprint)
    _post_once(lane, event=event, reason=reason, fingerprint=fingerprint)


def post_what_was_not_taken() -> None:
    """Post what still stands wedged and could not be posted when it wedged."""
    told = AlertSent.objects.values("fingerprint")
    untold = Bookmark.objects.filter(wedged_at__isnull=False).exclude(fingerprint__in=told).order_by("wedged_at")
    for bookmark in untold.select_related("stream"):
        last = bookmark.attempts.order_by("id").last()
        lane, event = f"{bookmark.subscriber_id}/{bookmark.stream.name}", last.event if last else bookmark.position
        if not _post_once(lane, event=event, reason=bookmark.wedged_reason, fingerprint=bookmark.fingerprint):
            return


def endpoint_suspended(endpoint: str, *, reason: str) -> None:
    """A model refuses us; what needs it waits until a probe passes."""
    logger.error("%s is suspended: %s", endpoint, reason)
    # Not once for ever: a key can run out every month.
    _post(f"{endpoint} is suspended: {reason}", endpoint=endpoint)


def _post_once(lane: str, *, event: int, reason: str, fingerprint: str) -> bool:
    """Whether the operator's address knows of this fingerprint now."""
    if not settings.ALERT_URL:
        return False
    alert, first = AlertSent.objects.get_or_create(fingerprint=fingerprint, defaults={"sent_at": Now()})
    text = f"{lane} is wedged at event {event}: {reason}"
    if first and not _post(text, fingerprint=fingerprint, lane=lane, event=event):
        alert.delete()
        return False
    return True


def _post(text: str, **about: object) -> bool:
    """Whether the address took it."""
    try:
        if urlsplit(settings.ALERT_URL).scheme not in {"http", "https"}:
            return False
        request = urllib.request.Request(  # noqa: S310  (the scheme was looked at)
            settings.ALERT_URL,
            data=json.dumps({"text": text, **about}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310  (the same)
            return True
    except OSError as error:
        logger.warning("the alert could not be posted: %s", error)
    except (HTTPException, ValueError) as error:
        # Its words may quote the address, which may hold a secret.
        logger.warning("the alert could not be posted: %s", type(error).__name__)
    return False
