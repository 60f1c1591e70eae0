"""`manage.py prune`: lets go of the prompts of older replies, and of portraits that nothing refers to."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from chat.turns.pruning import prune_portraits, prune_prompts


class Command(BaseCommand):
    """Prunes, and says what of."""

    help = "Forgets the prompts of older replies (see PALIMPSEST_PROMPT_DAYS) and deletes portraits nobody has."

    def handle(self, **_: Any) -> None:
        """Both; turns, characters and the log stay as they are."""
        prompts, portraits = prune_prompts(now=timezone.now()), prune_portraits(now=timezone.now())
        self.stdout.write(f"Prompts forgotten: {prompts}. Portraits deleted: {portraits}.")
