"""The first minute: an account for whoever sits at this machine, and a story to step into."""

import getpass
import re
from functools import cache

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections, transaction
from django.urls import reverse

from chat.pages.entering import enter_path, is_open, new_token
from project.up.errors import CannotStartError


def make_first_account(*, demo: bool) -> bool:
    """Make the owner, and the demo story unless it is not wanted; False when there are accounts already.

    Both or neither: a first start that fails half-way is a first start again.
    """
    if User.objects.exists():
        return False
    with transaction.atomic():
        User.objects.create_superuser(_name_of_this_person(), password=None)
        if demo:
            _seed_demo()
    return True


def _seed_demo() -> None:
    try:
        call_command("seed_demo", verbosity=0)
    except Exception as error:  # whatever it was, the way out is the same
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CannotStartError(
            f"The demo story could not be written ({reason}): start with --no-demo to go without."
        ) from error


def _name_of_this_person() -> str:
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):  # an account without a name, as in some containers
        return "owner"
    return name if name != "root" and re.fullmatch(r"[\w.@+-]{1,150}", name) else "owner"


@cache
def entrance() -> str:
    """The path of this start's one-time link for the owner, the first active superuser."""
    try:
        owner = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
        return enter_path(new_token(owner)) if owner else reverse("login")
    finally:
        connections.close_all()


def still_to_be_used(path: str) -> bool:
    """Whether nobody has come in by this link yet; the login page always awaits somebody."""
    try:
        return path == reverse("login") or is_open(path)
    finally:
        connections.close_all()
