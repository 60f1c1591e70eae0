"""`manage.py enter_link`: print a new one-time link that signs a user in."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connection

from chat.pages.entering import enter_path, new_token
from chat.pages.models import EnterLink


class Command(BaseCommand):
    """Print a new one-time link."""

    # They would ask the database before we do.
    requires_system_checks: list[str] = []  # noqa: RUF012  (Django's own declaration)
    help = "Prints a link that signs a user in once: the first superuser, or --user NAME."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whom, and where the site is."""
        parser.add_argument("--user", metavar="NAME", help="who signs in (the first superuser if left out)")
        parser.add_argument("--base", metavar="URL", help="where the site is, e.g. https://stories.example.org")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print it."""
        user = chosen_user(options["user"])
        base = (options["base"] or _base()).rstrip("/")
        self.stdout.write(f"{base}{enter_path(new_token(user))}")


def chosen_user(name: str | None) -> User:
    """The active user of that name, or the first superuser; CommandError for nobody, or without a database."""
    _require_tables()
    active = User.objects.filter(is_active=True)
    found = active.filter(username=name) if name else active.filter(is_superuser=True).order_by("id")
    user = found.first()
    if user is None:
        raise CommandError(
            f"There is no active user “{name}”."
            if name
            else "There is no superuser yet: make one with manage.py createsuperuser."
        )
    return user


def _require_tables() -> None:
    try:
        tables = connection.introspection.table_names()
    except OperationalError as error:
        raise CommandError(f"The database does not answer: {' '.join(str(error).split())}") from None
    if EnterLink not in connection.introspection.installed_models(tables):
        raise CommandError("The database has no tables yet: start ./run once, or do ./run manage migrate.")


def _base() -> str:
    host = next((name for name in settings.ALLOWED_HOSTS if "*" not in name and not name.startswith(".")), "localhost")
    if settings.PRODUCTION:
        return f"{'https' if settings.BEHIND_HTTPS else 'http'}://{host}"
    named = "127.0.0.1" if settings.HOST in {"0.0.0.0", "::", ""} else settings.HOST  # noqa: S104
    return f"http://{f'[{named}]' if ':' in named else named}:{settings.PORT}"
