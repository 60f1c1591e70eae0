"""The tables of what follows from turns: folded from the log, written by nobody but `story.fold`.

Nothing here says whether it counts: that is asked of the turn each time (see the QuerySets), so that superseding a
turn, or bringing it back, needs to touch no row. `place` is that of the turn which caused a row, or the position
of a deed by hand: a prompt as of a place takes only what has an earlier one.
"""

from functools import cache
from typing import ClassVar, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from chat.story.models import Chat, Turn


@cache
def live_turn(field: str = "turn") -> Exists:
    """Whether the turn named by a row's `field` is live."""
    return Exists(Turn.objects.live().filter(id=OuterRef(field)))


class StoryEventQuerySet(models.QuerySet["StoryEvent"]):
    """What is asked of story events."""

    def visible(self) -> Self:
        """Those planned by hand or by a live turn, or moved since by hand or by a live turn."""
        moved = StoryTransition.objects.standing().filter(story_event=OuterRef("id"))
        return self.filter(Q(planned_by=None) | live_turn("planned_by") | Exists(moved))

    def begun_by_nobody(self) -> Self:
        """Those under way although nothing that stands has begun them: the turn that did was rewritten."""
        moved = StoryTransition.objects.standing().filter(story_event=OuterRef("id"))
        return self.filter(~Exists(moved), status=StoryEvent.Status.ACTIVE)

    def before(self, place: int) -> Self:
        """Those planned before a place."""
        return self.filter(place__lt=place)


class StoryEvent(models.Model):
    """Something that happens inside the fiction; its id is the position of its planning."""

    class Status(models.TextChoices):
        """How far it has got."""

        PLANNED = "planned"
        ACTIVE = "active"
        COMPLETED = "completed"
        CANCELLED = "cancelled"

    id = models.BigIntegerField(primary_key=True)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="story_events")
    title = models.CharField(max_length=200)
    description = models.TextField()
    status = models.CharField(max_length=10, choices=Status)
    #: Position of the event that set the status.
    status_position = models.BigIntegerField()
    #: The turn that planned it; None: by hand.
    planned_by = models.BigIntegerField(null=True)
    #: The turn that set the status; None: by hand.
    because_of = models.BigIntegerField(null=True)
    place = models.BigIntegerField()
    #: Who may know that it was planned; None: planned by hand, so that nothing of the story gives it away.
    witnesses = models.JSONField(null=True)

    objects = StoryEventQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.title} ({self.status})"


class StoryTransitionQuerySet(models.QuerySet["StoryTransition"]):
    """What is asked of transitions."""

    def standing(self) -> Self:
        """Those that took effect, by hand or by a turn that is live."""
        return self.filter(Q(turn=None) | live_turn(), void=False, reverted_by=None)


class StoryTransition(models.Model):
    """One change of a story event's status; its id is the position of its event."""

    id = models.BigIntegerField(primary_key=True)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="+")
    story_event = models.BigIntegerField(db_index=True)
    #: The kind of its event.
    change = models.CharField(max_length=20)
    #: What it led to.
    status = models.CharField(max_length=10, choices=StoryEvent.Status)
    #: None: by hand.
    turn = models.BigIntegerField(null=True)
    place = models.BigIntegerField()
    #: Who may know of it: the turn's witnesses, or those present when it was done by hand.
    witnesses = models.JSONField()
    #: It came when the story event could no longer be changed so, and changed nothing.
    void = models.BooleanField()
    #: Position of the event that took it back.
    reverted_by = models.BigIntegerField(null=True)

    objects = StoryTransitionQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["chat", "turn"], name="transitions_of_a_turn")]

    def __str__(self) -> str:
        return f"{self.change} {self.story_event}"


class MemoryQuerySet(models.QuerySet["Memory"]):
    """What is asked of memories."""

    def active(self) -> Self:
        """Those of live turns that nobody had forgotten."""
        return self.filter(live_turn(), dismissed_by=None)


class Memory(models.Model):
    """What a witness keeps of a turn; its id is the position of its event."""

    id = models.BigIntegerField(primary_key=True)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="memories", db_index=False)
    #: Character id.
    witness = models.BigIntegerField()
    text = models.TextField()
    importance = models.IntegerField()
    turn = models.BigIntegerField()
    place = models.BigIntegerField()
    #: Position of the event with which the player had it forgotten.
    dismissed_by = models.BigIntegerField(null=True)

    objects = MemoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "memories"
        indexes: ClassVar = [models.Index(fields=["chat", "witness", "place"], name="memories_of_a_witness")]

    def __str__(self) -> str:
        return self.text[:60]


class RelationshipChangeQuerySet(models.QuerySet["RelationshipChange"]):
    """What is asked of changes between characters."""

    def active(self) -> Self:
        """Those of live turns."""
        return self.filter(live_turn())


class RelationshipChange(models.Model):
    """A step of how a character feels toward another; a relationship is the sum of its steps (`story.bonds`)."""

    id = models.BigIntegerField(primary_key=True)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="relationship_changes", db_index=False)
    character = models.BigIntegerField()
    #: Character id; 0 for the player.
    toward = models.BigIntegerField()
    delta = models.IntegerField()
    why = models.TextField()
    turn = models.BigIntegerField()
    place = models.BigIntegerField()

    objects = RelationshipChangeQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["chat", "character", "place"], name="changes_of_a_character")]

    def __str__(self) -> str:
        return f"{self.character} toward {self.toward}: {self.delta:+}"


@cache
def of_completed() -> Exists:
    """Whether the story event of a row is completed."""
    return Exists(StoryEvent.objects.filter(id=OuterRef("story_event"), status=StoryEvent.Status.COMPLETED))


class MilestoneQuerySet(models.QuerySet["Milestone"]):
    """What is asked of milestones."""

    def live(self) -> Self:
        """The one of each completed story event: the newest by hand or by a live turn."""
        return self.not_repeated().filter(Q(turn=None) | live_turn(), of_completed())

    def not_repeated(self) -> Self:
        """Those of which no newer one stands, by hand or by a live turn."""
        newer = Milestone.objects.filter(story_event=OuterRef("story_event"), id__gt=OuterRef("id"))
        return self.exclude(Exists(newer.filter(Q(turn=None) | live_turn())))


class Milestone(models.Model):
    """A completed story event that is worth remembering; its id is the position of its event."""

    id = models.BigIntegerField(primary_key=True)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="milestones")
    story_event = models.BigIntegerField(db_index=True)
    text = models.TextField()
    #: None: completed by hand.
    turn = models.BigIntegerField(null=True)
    place = models.BigIntegerField()

    objects = MilestoneQuerySet.as_manager()

    def __str__(self) -> str:
        return self.text[:60]


class TurnReading(models.Model):
    """That a reader has read a turn; its id is the position of its event."""

    id = models.BigIntegerField(primary_key=True)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="+")
    turn = models.BigIntegerField(db_index=True)
    reader = models.CharField(max_length=200)
    note = models.TextField()

    def __str__(self) -> str:
        return f"{self.turn} by {self.reader}"


class Decision(models.Model):
    """A judgement kept in a chat's log; its id is the position of its event."""

    id = models.BigIntegerField(primary_key=True)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="decisions", db_index=False)
    context = models.CharField(max_length=60)
    choice = models.CharField(max_length=60)
    reasoning = models.TextField()
    decided_by = models.CharField(max_length=200)
    #: Ids of the turns it was made from; when one is no longer live the decision is stale.
    turns = models.JSONField()
    about = models.BigIntegerField(null=True)
    scene = models.BigIntegerField(null=True)
    body = models.JSONField()
    #: Choice of the newest decision about this one; "" for none.
    verdict = models.CharField(max_length=60, default="")
    place = models.BigIntegerField()
    decided_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["chat", "context", "place"], name="decisions_of_a_chat")]

    def __str__(self) -> str:
        return f"{self.context}: {self.choice}"
