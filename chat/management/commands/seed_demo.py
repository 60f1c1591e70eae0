"""`manage.py seed_demo`: write the demo story, once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from chat.management.commands.enter_link import chosen_user
from chat.story.models import Chat
from chat.turns.demo import demo_of, write_demo


class Command(BaseCommand):
    """Write the demo story."""

    help = "Writes the demo story for the first superuser, or --user NAME; nothing if it is there, unless --again."

    def add_arguments(self, parser: CommandParser) -> None:
        """For whom, and whether once more."""
        parser.add_argument("--user", metavar="NAME", help="whose story it is (the first superuser if left out)")
        parser.add_argument("--again", action="store_true", help="write another copy")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Write it and say so."""
        user = chosen_user(options["user"])
        if not options["again"] and (there := demo_of(user)):
            self.stdout.write(f"The demo story is there already (chat {there}). Use --again for another copy.")
            return
        chat = write_demo(user, now=timezone.now())
        title = Chat.objects.get(id=chat).title
        self.stdout.write(f"Wrote the demo story “{title}” for {user} (chat {chat}).")
