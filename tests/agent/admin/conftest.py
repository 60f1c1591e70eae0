"""What the tests of the desk's pages may ask for: somebody at the admin, and a lane that is wedged."""

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from tests.agent.operations.conftest import allow, noter, stuck
from tests.factories import make_user

__all__ = ["noter", "stuck"]

OPERATES = (
    "view_desk",
    "view_audit",
    "dismiss_event",
    "retry_lane",
    "pause_subscriber",
    "resume_subscriber",
    "start_drill",
    "create_token",
)


@dataclass
class Desk:
    """Somebody at the desk, in a browser without scripts."""

    user: User
    client: Client

    def get(self, page: str, *args: Any, **query: Any) -> HttpResponse:
        return self.client.get(reverse(f"admin:{page}", args=args), query)

    def fields(self, page: str, *args: Any, **query: Any) -> dict[str, str]:
        """The hidden fields of a page's form, as a browser would send them back."""
        return hidden(self.get(page, *args, **query))

    def post(self, page: str, *args: Any, **sent: Any) -> HttpResponse:
        return self.client.post(reverse(f"admin:{page}", args=args), sent)


def desk(*acts: str, name: str = "") -> Desk:
    user = make_user(name)
    User.objects.filter(pk=user.pk).update(is_staff=True)
    client = Client()
    client.force_login(allow(user, *acts))
    return Desk(user, client)


def hidden(answer: HttpResponse) -> dict[str, str]:
    said = answer.content.decode()
    found = re.findall(r'<input type="hidden"\s+name="([^"]+)"\s+value="([^"]*)"', said)
    return {name: unescape(value) for name, value in found if name != "csrfmiddlewaretoken"}


def text(answer: HttpResponse) -> str:
    """What a page says, without its tags."""
    said = re.sub(r"<(script|style).*?</\1>", " ", answer.content.decode(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", said)).split())


@pytest.fixture
def anna(stuck) -> Desk:
    return desk(*OPERATES, name="anna")
