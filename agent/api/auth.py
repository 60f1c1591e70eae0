"""Who stands before the API: a bearer token, or a session, whose unsafe requests carry the CSRF token."""

from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer, SessionAuth

from agent.operations.operator import Operator
from agent.operations.tokens import operator_with


class Bearer(HttpBearer):
    """`Authorization: Bearer pal_…`."""

    def authenticate(self, _request: HttpRequest, token: str) -> Operator:
        """Whom the token stands for; BadTokenError."""
        return operator_with(token.strip(), channel="api", now=timezone.now())


class Session(SessionAuth):
    """Who is signed in."""

    def __call__(self, request: HttpRequest) -> Operator | None:
        """The operator; None for nobody, who is not told about CSRF first."""
        if not request.user.is_authenticated:
            return None
        operator: Operator | None = super().__call__(request)
        return operator

    def authenticate(self, request: HttpRequest, _key: str | None) -> Operator | None:
        """The operator."""
        return Operator(user=request.user, channel="api") if request.user.is_authenticated else None


def operator_of(request: HttpRequest) -> Operator:
    """The operator that was let in."""
    operator: Operator = request.auth  # type: ignore[attr-defined]  # ninja puts it there
    return operator
