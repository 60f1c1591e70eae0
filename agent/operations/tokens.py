"""API tokens: bearer tokens of a person's, for a while, for some acts; kept as digests, shown once."""

import hashlib
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import db
from django.contrib.auth.models import User
from django.db.models import QuerySet

from agent.desk_models import PERMISSIONS, ApiToken
from agent.operations.command import Command
from agent.operations.locking import short_transaction
from agent.operations.operator import Operator
from agent.operations.performing import performing
from agent.operations.registering import Change, Decided, register
from chat.errors import ChatError
from chat.log.text import clean

PREFIX = "pal_"
LONGEST_NAME, HINT_CHARACTERS, MOST_DAYS = 100, 10, 366
SCOPES: tuple[str, ...] = tuple(codename for codename, _ in PERMISSIONS)
#: How exactly it is kept when a token was last used.
USE_SECONDS = 60


class BadTokenError(ChatError):
    """This token is not known, was revoked, or has expired."""

    status = 401


class NoSuchTokenError(ChatError):
    """There is no such token of yours."""

    status = 404


class MalformedTokenError(ChatError):
    """A token needs a name of at most 100 characters, at least one known scope, and 1 to 366 days."""

    status = 422


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateToken(Command):
    """Make a token for oneself."""

    act: ClassVar[str] = "create_token"
    context: ClassVar[str] = "ApiToken"
    choice: ClassVar[str] = "TokenCreated"

    name: str
    scopes: tuple[str, ...]
    days: int = 90

    def target(self) -> dict[str, Any]:
        """The token's name."""
        return {"token": self.name}


@dataclass(frozen=True, kw_only=True, slots=True)
class RevokeToken(Command):
    """End one of one's tokens."""

    act: ClassVar[str] = "create_token"
    context: ClassVar[str] = "ApiToken"
    choice: ClassVar[str] = "TokenRevoked"

    token_id: int

    def target(self) -> dict[str, Any]:
        """The token's number."""
        return {"token": self.token_id}


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made; `secret` is never to be had again."""

    secret: str
    row: ApiToken
    decided: Decided


def create_token(command: CreateToken, *, by: Operator) -> NewToken:
    """Make a token for the operator. MalformedTokenError (422); and as every operation."""
    with performing(command, by=by):
        command = _checked(command.checked())
        secret = PREFIX + secrets.token_urlsafe(32)
        with short_transaction():
            row = ApiToken.objects.create(
                user=by.user,
                name=command.name,
                digest=_digest(secret),
                hint=secret[:HINT_CHARACTERS],
                scopes=sorted(command.scopes),
                created_at=by.at,
                expires_at=by.at + timedelta(days=command.days),
            )
            after = {"token": row.pk, "scopes": row.scopes, "expires_at": row.expires_at.isoformat()}
            return NewToken(secret, row, register(command, Change(before={}, after=after), by=by))


def revoke_token(command: RevokeToken, *, by: Operator) -> Decided:
    """End one of the operator's tokens; a superuser ends anybody's. NoSuchTokenError."""
    with performing(command, by=by):
        command = command.checked()
        with short_transaction():
            row = tokens_of(by.user).select_for_update().filter(pk=command.token_id, revoked_at=None).first()
            if row is None:
                raise NoSuchTokenError
            ApiToken.objects.filter(pk=row.pk).update(revoked_at=by.at)
            return register(command, Change(before={"scopes": row.scopes}, after={"revoked": True}), by=by)


def tokens_of(user: User) -> QuerySet[ApiToken]:
    """The tokens that a user may end: one's own, all for a superuser."""
    return ApiToken.objects.order_by("-id") if user.is_superuser else ApiToken.objects.filter(user=user).order_by("-id")


def operator_with(secret: str, *, channel: str, now: datetime) -> Operator:
    """Whom a bearer token stands for; BadTokenError."""
    token = ApiToken.objects.select_related("user").filter(digest=_digest(secret)).first()
    if token is None or token.revoked_at is not None or token.expires_at <= now or not token.user.is_active:
        raise BadTokenError
    if token.last_used_at is None or token.last_used_at < now - timedelta(seconds=USE_SECONDS):
        _note_use(token, now)
    return Operator(
        user=token.user,
        channel="mcp" if channel == "mcp" else "api",
        client=token.name,
        scopes=frozenset(token.scopes),
        at=now,
    )


def _note_use(token: ApiToken, now: datetime) -> None:
    # Nobody is turned away because it could not be written down.
    with suppress(db.Error), short_transaction(patience=1):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)


def _checked(command: CreateToken) -> CreateToken:
    name = str(clean(command.name)).strip()
    known = bool(command.scopes) and set(command.scopes) <= set(SCOPES)
    if not (0 < len(name) <= LONGEST_NAME and known and 0 < command.days <= MOST_DAYS):
        raise MalformedTokenError
    return command


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
