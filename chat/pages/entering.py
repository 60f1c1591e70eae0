"""One-time links that sign a user in, so that nobody has to invent a password on the first day."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from chat.errors import ChatError
from chat.pages.models import EnterLink

if TYPE_CHECKING:
    from django.contrib.auth.models import User

#: How long an unused link works.
LIFETIME = timedelta(hours=24)


class LinkSpentError(ChatError):
    """This link does not work: it was used before, has grown old, or was never given out."""

    status = 410


def new_token(user: "User", *, now: datetime | None = None) -> str:
    """A token that signs the user in once, in place of any that the user has not used; the database keeps its hash."""
    now = now or timezone.now()
    EnterLink.objects.filter(Q(user=user, used_at=None) | Q(created_at__lt=now - LIFETIME)).delete()
    token = secrets.token_urlsafe(32)
    EnterLink.objects.create(token_hash=_hash(token), user=user)
    return token


def enter_path(token: str) -> str:
    """The path of a token's link, e.g. `/enter/…/`."""
    return reverse("enter", args=[token])


def redeem(token: str, *, now: datetime | None = None) -> "User":
    """Use a token up and return its user; LinkSpentError when it was used, is unknown or too old."""
    now = now or timezone.now()
    open_link = EnterLink.objects.filter(
        token_hash=_hash(token), used_at=None, created_at__gt=now - LIFETIME, user__is_active=True
    )
    # Two tabs may open the link at the same moment: the update decides.
    if not open_link.update(used_at=now):
        raise LinkSpentError
    return EnterLink.objects.select_related("user").get(token_hash=_hash(token)).user


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
