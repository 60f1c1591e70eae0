"""What the pages themselves keep: one-time links that sign a user in, and a player's preferences."""

from django.conf import settings
from django.db import models


class EnterLink(models.Model):
    """A one-time link; only the hash of its token is kept."""

    token_hash = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"link for {self.user}"


class Preference(models.Model):
    """How one player likes the pages."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="preference")
    #: Enter sends and Shift+Enter makes a new line; or the other way round.
    enter_sends = models.BooleanField(default=True)
    #: The card beside the demo story was put away.
    tour_closed = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"preferences of {self.user}"
