"""The agent's tables: subscribers, their bookmarks and Attempts, suspended endpoints, and the Projections' rows."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from agent.desk_models import ApiToken, AuditEntry, Desk, DismissedEvent, Refusal
from chat.log.models import Stream

__all__ = [
    "AlertSent",
    "ApiToken",
    "Attempt",
    "AuditEntry",
    "Bookmark",
    "DayOfChat",
    "Desk",
    "DismissedEvent",
    "Refusal",
    "SearchedTurn",
    "Subscriber",
    "SuspendedEndpoint",
]


class Subscriber(models.Model):
    """What the database knows of a subscriber."""

    name = models.CharField(primary_key=True, max_length=64)
    #: "projection" or "reaction".
    kind = models.CharField(max_length=12)
    #: When its bookmarks were made for the streams that stood then; None: not yet.
    seeded_at = models.DateTimeField(null=True)
    #: The rows and bookmarks in use; a rebuild writes the next epoch beside it and switches.
    epoch = models.IntegerField(default=0)
    #: The epoch that a rebuild is writing.
    rebuilding = models.IntegerField(null=True)
    paused_at = models.DateTimeField(null=True)
    paused_by = models.CharField(max_length=200, default="")
    paused_reason = models.TextField(default="")

    def __str__(self) -> str:
        return self.name


class Bookmark(models.Model):
    """How far one subscriber has got in one stream: one lane."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.PROTECT, related_name="bookmarks", db_index=False)
    epoch = models.IntegerField(default=0)
    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="+")
    #: Everything of its kinds up to this position is dealt with.
    position = models.BigIntegerField(default=0)
    #: When it may be claimed next; None: there was nothing of its kinds behind the bookmark.
    due_at = models.DateTimeField(null=True)
    #: By the database's clock; when it passes, whoever held the lane counts as gone.
    leased_until = models.DateTimeField(null=True)
    #: Rises with every claim; only who holds the newest may commit.
    fence = models.BigIntegerField(default=0)
    #: Attempts up to this one no longer count when its next event fails (an operator's retry).
    forgiven = models.BigIntegerField(default=0)
    wedged_at = models.DateTimeField(null=True)
    wedged_reason = models.TextField(default="")
    fingerprint = models.CharField(max_length=64, default="")
    paused_at = models.DateTimeField(null=True)
    paused_by = models.CharField(max_length=200, default="")
    paused_reason = models.TextField(default="")

    class Meta:
        verbose_name = "lane"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["subscriber", "epoch", "stream"], name="one_bookmark_per_lane"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["subscriber", "epoch", "due_at"],
                condition=Q(due_at__isnull=False, wedged_at=None, paused_at=None),
                name="due_lanes",
            ),
            models.Index(fields=["subscriber", "wedged_at"], condition=Q(wedged_at__isnull=False), name="wedged_lanes"),
            models.Index(fields=["subscriber", "paused_at"], condition=Q(paused_at__isnull=False), name="paused_lanes"),
            models.Index(
                fields=["subscriber", "leased_until"], condition=Q(leased_until__isnull=False), name="leased_lanes"
            ),
            models.Index(fields=["fingerprint"], condition=~Q(fingerprint=""), name="failing_lanes"),
            # The order of the desk's list of lanes.
            models.Index(fields=["wedged_at", "due_at", "-id"], name="lanes_worst_first"),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber_id} on stream {self.stream_id} at {self.position}"


class Attempt(models.Model):
    """One try of a subscriber at one event; written when it begins, so that a crash leaves a trace too."""

    class Outcome(models.TextChoices):
        """How it ended. Charged are those that count against the event: failed and lost."""

        RUNNING = "running"
        DONE = "done"
        SKIPPED = "skipped"
        #: Its result was thrown away: the turn was superseded meanwhile, or the lease was lost.
        DISCARDED = "discarded"
        FAILED = "failed"
        #: Its worker died, or lost its lease.
        LOST = "lost"
        #: The worker was told to end; not charged.
        RELEASED = "released"
        #: The endpoint refused us, which is no fault of the event; not charged.
        SUSPENDED = "suspended"

    bookmark = models.ForeignKey(Bookmark, on_delete=models.CASCADE, related_name="attempts", db_index=False)
    #: The position of the event.
    event = models.BigIntegerField()
    fence = models.BigIntegerField()
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.RUNNING)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    duration_ms = models.IntegerField(null=True)
    worker = models.CharField(max_length=120, default="")
    code_version = models.CharField(max_length=40, default="")
    #: The model it asks, as `subscriptions.breaker` names it; "" for none.
    endpoint = models.CharField(max_length=300, default="")
    #: Of a failure: transient, output or lasting (see `subscriptions.retry`).
    failure = models.CharField(max_length=10, default="")
    error = models.CharField(max_length=200, default="")
    message = models.TextField(default="")
    traceback = models.TextField(default="")
    fingerprint = models.CharField(max_length=64, default="")
    prompt_tokens = models.IntegerField(null=True)
    completion_tokens = models.IntegerField(null=True)
    #: Why it was skipped or discarded, or what the Reaction noted.
    note = models.TextField(default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["bookmark", "fence"], name="one_attempt_per_claim"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["bookmark", "event"], name="attempts_at_an_event"),
            models.Index(fields=["started_at"], name="attempts_by_time"),
            models.Index(fields=["fingerprint"], condition=~Q(fingerprint=""), name="attempts_by_failure"),
            models.Index(
                fields=["endpoint", "ended_at"], condition=Q(outcome__in=["done", "skipped"]), name="successes"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} at {self.event}"


class SuspendedEndpoint(models.Model):
    """A model that refused us (key, credit, name): nobody asks it until a probe passes."""

    name = models.CharField(primary_key=True, max_length=300)
    suspended_at = models.DateTimeField()
    reason = models.TextField()
    #: When to probe next, and so who probes.
    probe_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class AlertSent(models.Model):
    """A wedge that was posted to the alert address: once per fingerprint."""

    fingerprint = models.CharField(primary_key=True, max_length=64)
    sent_at = models.DateTimeField()

    class Meta:
        verbose_name = "alert"

    def __str__(self) -> str:
        return self.fingerprint


class SearchedTurn(models.Model):
    """A turn's words for the search; row of the projection `turn_search`."""

    epoch = models.IntegerField()
    chat = models.BigIntegerField()
    turn = models.BigIntegerField()
    text = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["epoch", "turn"], name="a_turn_is_searched_once"),
        ]

    def __str__(self) -> str:
        return self.text[:40]


class DayOfChat(models.Model):
    """What happened in a chat on one day (UTC); row of the projection `activity`."""

    epoch = models.IntegerField()
    chat = models.BigIntegerField()
    day = models.DateField()
    #: Turns said by the player, and by characters.
    said = models.IntegerField(default=0)
    replies = models.IntegerField(default=0)
    prompt_tokens = models.BigIntegerField(default=0)
    completion_tokens = models.BigIntegerField(default=0)
    #: In millionths of the currency that the prices are set in; 0 without prices.
    cost_micros = models.BigIntegerField(default=0)
    #: Milliseconds of those replies that have them, and their number: together the mean.
    first_token_ms = models.BigIntegerField(default=0)
    duration_ms = models.BigIntegerField(default=0)
    timed = models.IntegerField(default=0)

    class Meta:
        verbose_name, verbose_name_plural = "day of a chat", "days of chats"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["epoch", "chat", "day"], name="one_row_per_chat_and_day"),
        ]

    def __str__(self) -> str:
        return f"{self.chat} on {self.day}"
