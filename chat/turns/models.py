"""The one table of the turns: replies while they are being written, and what was sent for them."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from chat.story.models import Chat


class Generation(models.Model):
    """One reply in the making. Not folded: it is a lease while it runs and a record of the asking afterwards."""

    class State(models.TextChoices):
        """How it stands; every state but running is final."""

        RUNNING = "running"
        FINISHED = "finished"
        STOPPED = "stopped"
        INTERRUPTED = "interrupted"
        FAILED = "failed"
        #: No silent witness spoke up.
        NOBODY = "nobody"

    id = models.CharField(primary_key=True, max_length=32)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="generations", db_index=False)
    state = models.CharField(max_length=12, choices=State, default=State.RUNNING)
    #: Position of what opened the turn group it writes for.
    group = models.BigIntegerField()
    #: Every player's turn up to this position is answered by it; 0 for a meanwhile, which answers nobody.
    answers_up_to = models.BigIntegerField()
    #: 0 while it is being decided whether a silent witness speaks up, and when nobody did.
    speaker = models.BigIntegerField()
    speaker_name = models.CharField(max_length=80)
    #: The turn it is a new writing of.
    rewrites = models.BigIntegerField(null=True)
    #: What the player asked of a new writing, in their words.
    guidance = models.TextField(default="")
    #: Who asked for a new writing, as the log names them; "" for a reply.
    asked_by = models.CharField(max_length=200, default="")
    #: Of an interjection: the primary reply after which it may be.
    follows = models.BigIntegerField(null=True)
    #: The meanwhile for which it is.
    meanwhile = models.BigIntegerField(null=True)
    #: What came of asking whether somebody speaks up (silent_witnesses.Verdict).
    asked = models.JSONField(null=True)
    #: The text as last checkpointed.
    text = models.TextField(default="")
    started_at = models.DateTimeField()
    #: By the database's clock; when it passes, the reply counts as interrupted.
    leased_until = models.DateTimeField()
    stop_requested_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    #: The turn that came of it.
    turn = models.BigIntegerField(null=True)
    #: What went wrong, as shown to the player.
    error = models.TextField(default="")
    #: What was sent: the prompt with its parameters (Prompt.as_json), and to which model.
    prompt = models.JSONField(null=True)
    model = models.CharField(max_length=200, default="")
    thinking = models.TextField(default="")
    prompt_tokens = models.IntegerField(null=True)
    completion_tokens = models.IntegerField(null=True)
    first_token_ms = models.IntegerField(null=True)
    duration_ms = models.IntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["chat"], condition=Q(state="running"), name="one_reply_at_a_time"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["chat", "-started_at"], name="newest_generation_of_a_chat"),
            models.Index(fields=["chat", "answers_up_to"], name="what_is_taken_up"),
            models.Index(fields=["follows"], condition=Q(follows__isnull=False), name="who_was_asked_to_speak_up"),
            models.Index(fields=["leased_until"], condition=Q(state="running"), name="leases"),
        ]

    def __str__(self) -> str:
        return f"{self.speaker_name} ({self.state})"
