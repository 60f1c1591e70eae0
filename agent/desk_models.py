"""The tables of the operators' desk: what was decided, what was refused, what was dismissed, and API tokens."""

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef

from chat.log.models import Event

#: One for each act, and for what may be read.
PERMISSIONS = [
    ("view_desk", "Can see subscribers, lanes and attempts"),
    ("view_audit", "Can read and export the audit"),
    ("reveal_payload", "Can read what an event says"),
    ("dismiss_event", "Can dismiss an event"),
    ("retry_lane", "Can retry a lane"),
    ("pause_subscriber", "Can pause a subscriber or a lane"),
    ("resume_subscriber", "Can resume a subscriber or a lane"),
    ("rebuild_projection", "Can rebuild a projection"),
    ("regenerate_turn", "Can regenerate a turn, and read it"),
    ("restore_turn", "Can bring back an older writing of a turn"),
    ("redeliver_event", "Can have a dismissed event reacted to after all"),
    ("promote_caution", "Can promote a caution"),
    ("decline_caution", "Can decline a caution"),
    ("start_drill", "Can start a fire drill"),
    ("create_token", "Can make API tokens of their own"),
]


class Desk(models.Model):
    """No table: it carries the permissions of the desk, one for each act."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions: ClassVar = [*PERMISSIONS]

    def __str__(self) -> str:
        return "desk"


class AuditEntry(models.Model):
    """A Decision of the stream `operations`, laid out for searching; written with its event, and made of it alone."""

    #: The position of the Decision's event.
    decision = models.OneToOneField(Event, on_delete=models.PROTECT, primary_key=True, related_name="+")
    at = models.DateTimeField(db_index=True)
    act = models.CharField(max_length=40)
    channel = models.CharField(max_length=10)
    #: Who it was, as it was then: users come and go.
    principal_id = models.BigIntegerField()
    principal_name = models.CharField(max_length=200)
    client = models.CharField(max_length=200)
    subscriber = models.CharField(max_length=64)
    stream = models.CharField(max_length=80)
    #: Position of the event it was about.
    event = models.BigIntegerField(null=True)
    #: What it was about, for people: `chronicler/chat-41 #1042`.
    target = models.CharField(max_length=200)
    preset = models.CharField(max_length=40)
    reason = models.TextField()

    class Meta:
        verbose_name, verbose_name_plural = "audit entry", "audit"
        indexes: ClassVar = [
            models.Index(fields=["subscriber", "stream", "decision"], name="audit_of_a_lane"),
            models.Index(fields=["event", "decision"], name="audit_of_an_event"),
            models.Index(fields=["act", "decision"], name="audit_of_an_act"),
            models.Index(fields=["principal_id", "decision"], name="audit_of_a_person"),
        ]

    def __str__(self) -> str:
        return f"{self.principal_name}: {self.act} {self.target}"


class DismissedEventQuerySet(models.QuerySet["DismissedEvent"]):
    """What is asked of dismissed events."""

    def of_lane(self, subscriber: str, stream: int) -> Self:
        """Those that one lane was spared, the newest first."""
        events = Event.objects.filter(stream=stream, position=OuterRef("event"))
        return self.filter(Exists(events), subscriber=subscriber).order_by("-id")


class DismissedEvent(models.Model):
    """An event that a Reaction was spared; a turn among them is left out of that Reaction's later prompts."""

    subscriber = models.CharField(max_length=64)
    event = models.BigIntegerField()
    #: Position of the Decision.
    decision = models.BigIntegerField()

    objects = DismissedEventQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["subscriber", "event"], name="an_event_is_dismissed_once"),
        ]

    def __str__(self) -> str:
        return f"{self.event} for {self.subscriber}"


class Refusal(models.Model):
    """Who was refused what: kept for a while, for the desk to show."""

    at = models.DateTimeField(db_index=True)
    principal_id = models.BigIntegerField()
    principal_name = models.CharField(max_length=200)
    channel = models.CharField(max_length=10)
    client = models.CharField(max_length=200)
    act = models.CharField(max_length=40)
    target = models.CharField(max_length=200)
    status = models.IntegerField()
    #: The type of the problem, e.g. `event-passed`.
    problem = models.CharField(max_length=60)
    detail = models.TextField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["principal_id", "at"], name="refusals_of_a_person")]

    def __str__(self) -> str:
        return f"{self.principal_name}: {self.act} ({self.status})"


class ApiToken(models.Model):
    """A bearer token of a person's; only its digest is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)
    #: SHA-256 of the token, in hex. The token is 256 random bits, so that nothing slower is needed.
    digest = models.CharField(max_length=64, unique=True)
    #: Its first characters, by which people tell tokens apart.
    hint = models.CharField(max_length=12)
    #: Names of permissions; what the person may not do the token may not either.
    scopes = models.JSONField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"
