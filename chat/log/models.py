"""The two tables of the log."""

from typing import ClassVar

from django.db import models


class Stream(models.Model):
    """Events appended one after another under one lock: `chat-<id>` for each chat, `operations` for the rest."""

    name = models.CharField(max_length=80, unique=True)
    #: Number of events, and so the version of the newest.
    version = models.BigIntegerField(default=0)
    #: Position of the newest event; 0 for none.
    head = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class Event(models.Model):
    """One immutable row of the log; database triggers refuse UPDATE, DELETE and TRUNCATE."""

    #: Number in the whole log. Within a stream, positions commit in order; between streams there is no order.
    position = models.BigAutoField(primary_key=True)
    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="events", db_index=False)
    #: Number within the stream, from 1, without gaps.
    version = models.BigIntegerField()
    #: What kind of thing happened; a name that is data and never changes.
    kind = models.CharField(max_length=64)
    payload = models.JSONField()
    recorded_at = models.DateTimeField()
    #: Who did it, as text: `user:3`, `reaction:chronicler`, `system`.
    actor = models.CharField(max_length=200)
    #: Position of the event this one was caused by.
    causation = models.BigIntegerField(null=True)
    #: What belongs together: all that one request or one exchange wrote.
    correlation = models.CharField(max_length=80, default="")
    #: Idempotency key: `user:<id>:…`, `operator:<id>:…`, `<reaction>:<position>:<n>`.
    key = models.CharField(max_length=300, null=True)  # noqa: DJ001  (NULL is what a unique constraint ignores)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["stream", "version"], name="one_event_per_version"),
            models.UniqueConstraint(fields=["stream", "key"], name="one_event_per_key"),
            models.UniqueConstraint(
                fields=["key"],
                condition=models.Q(key__startswith="operator:"),
                name="operators_keys_are_global",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["stream", "position"], name="events_of_a_stream")]

    def __str__(self) -> str:
        return f"{self.position} {self.kind}"
