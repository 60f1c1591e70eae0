"""The story's tables: folded from the log, written by nobody but `story.fold` (characters excepted)."""

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, Value

from chat.log.text import LARGEST_NUMBER
from chat.story.payloads import Card


class Character(models.Model):
    """A character as its author keeps it: a plain row. What a chat needs of it is snapshotted into its log."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="characters")
    name = models.CharField(max_length=80)
    description = models.TextField(blank=True, default="")
    personality = models.TextField(blank=True, default="")
    scenario_note = models.TextField(blank=True, default="")
    example_dialogue = models.TextField(blank=True, default="")
    greeting = models.TextField(blank=True, default="")
    #: 0 speaks only when spoken to, 1 always has something to say.
    talkativeness = models.FloatField(default=0.5)
    tags = models.JSONField(default=list, blank=True)
    #: Name of a file under media/portraits/, named by its content; "" for the generated initial.
    portrait = models.CharField(max_length=80, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(talkativeness__gte=0, talkativeness__lte=1), name="talkativeness_from_0_to_1"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def card(self) -> Card:
        """The snapshot that goes into a chat's log."""
        return Card(
            id=self.pk,
            name=self.name,
            description=self.description,
            personality=self.personality,
            scenario_note=self.scenario_note,
            example_dialogue=self.example_dialogue,
            greeting=self.greeting,
            talkativeness=self.talkativeness,
            tags=tuple(self.tags),
            portrait=self.portrait,
        )


class ChatQuerySet(models.QuerySet["Chat"]):
    """What is asked of chats."""

    def visible_to(self, user_id: int | None) -> Self:
        """The chats this user is a member of and that are not deleted."""
        return self.filter(membership__user_id=user_id, deleted_at=None)


class Chat(models.Model):
    """A chat; its id is the number in its stream's name."""

    id = models.BigIntegerField(primary_key=True)
    title = models.CharField(max_length=200)
    premise = models.TextField()
    owner_id = models.BigIntegerField()
    persona = models.CharField(max_length=80)
    persona_description = models.TextField()
    #: How readily a silent witness speaks up after a reply: off, rarely, normal, eager.
    interjections = models.CharField(max_length=8, default="normal")
    #: The open scene (its position), or None between scenes.
    scene = models.BigIntegerField(null=True)
    scene_title = models.CharField(max_length=200, default="")
    scene_number = models.IntegerField(default=0)
    #: Ids of the characters present in the open scene, in order of entrance.
    present = models.JSONField(default=list)
    #: First words of the newest turn, for the list of chats.
    preview = models.CharField(max_length=200, default="")
    turn_count = models.IntegerField(default=0)
    #: Position of the newest player's turn or request to go on.
    asked_at = models.BigIntegerField(default=0)
    #: Every one of those up to this position has drawn a reply.
    answered_to = models.BigIntegerField(default=0)
    #: Where the events of its own begin, if it is a branch: the position of that fact; of which chat, at which turn.
    branched_at = models.BigIntegerField(null=True)
    branched_from = models.BigIntegerField(null=True, db_index=True)
    branched_from_turn = models.BigIntegerField(null=True)
    #: Where the events of its own begin, if a story came with it that was written by hand: the position of that fact.
    seeded_at = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()
    #: When the last turn was said.
    last_turn_at = models.DateTimeField()
    pinned_at = models.DateTimeField(null=True)
    archived_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    objects = ChatQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=Q(asked_at__gt=models.F("answered_to")), name="chats_to_be_answered"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def stream(self) -> str:
        """The name of its stream in the log."""
        return stream_of(self.id)

    def came_with(self, position: int) -> bool:
        """Whether an event of its stream came with it, as part of a story that was written by hand."""
        return self.seeded_at is not None and position <= self.seeded_at


class Membership(models.Model):
    """A user who may see and play a chat."""

    chat = models.ForeignKey(Chat, on_delete=models.CASCADE)
    user_id = models.BigIntegerField()
    role = models.CharField(max_length=10)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user_id", "chat"], name="one_membership_per_chat")]

    def __str__(self) -> str:
        return f"{self.role} {self.user_id} of {self.chat_id}"


class CastMember(models.Model):
    """A character as one chat knows it."""

    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="cast")
    character = models.BigIntegerField()
    name = models.CharField(max_length=80)
    #: The whole Card as JSON.
    card = models.JSONField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["chat", "character"], name="once_in_a_cast")]

    def __str__(self) -> str:
        return self.name

    def as_card(self) -> Card:
        """The snapshot as the log holds it."""
        return Card(**{**self.card, "tags": tuple(self.card["tags"])})


class Scene(models.Model):
    """A stretch of a chat with a cast that is present; its id is the position of its opening."""

    id = models.BigIntegerField(primary_key=True)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="scenes")
    number = models.IntegerField()
    title = models.CharField(max_length=200)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"Scene {self.number}"


class Meanwhile(models.Model):
    """A scene without the player: characters who are elsewhere; its id is the position of its opening."""

    id = models.BigIntegerField(primary_key=True)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="meanwhiles")
    #: The how manieth of its chat, from 1.
    number = models.IntegerField()
    #: Ids of those who are there.
    characters = models.JSONField()
    #: Their names at the time, for the player.
    names = models.JSONField()
    direction = models.TextField()

    def __str__(self) -> str:
        return f"Meanwhile {self.number}"


#: Comes after every place of a story.
END = LARGEST_NUMBER


class TurnQuerySet(models.QuerySet["Turn"]):
    """What is asked of turns."""

    def live(self) -> Self:
        """Those that stand: not superseded."""
        return self.filter(superseded_by=None)

    def rewritten(self) -> Self:
        """Those that stand and are not what was first written in their place, or were brought back there."""
        return self.live().filter(~Q(id=models.F("place")) | Q(restored_by__isnull=False))

    def deleted(self) -> Self:
        """Those that were deleted, not along with another one, and in whose place nothing stands."""
        heir = Turn.objects.filter(id=OuterRef("superseded_by"))
        standing = Turn.objects.live().filter(chat=OuterRef("chat"), place=OuterRef("place"))
        return self.filter(~Exists(heir), ~Exists(standing), superseded_by__isnull=False, went_with=None)

    def answering(self) -> Self:
        """Those that may stand: where there is a player's turn to answer, or a reply to interject after, it stands."""
        beside = Turn.objects.filter(chat=OuterRef("chat"), group=OuterRef("group"))
        asked = beside.filter(kind=Turn.Kind.USER)
        primary = beside.live().filter(kind=Turn.Kind.ASSISTANT, interjection_of=None)
        return self.filter(
            Q(kind=Turn.Kind.USER) | ~Exists(asked) | Exists(asked.live()),
            Q(interjection_of=None) | Exists(primary),
        )

    def in_story_order(self) -> Self:
        """As they are read."""
        return self.order_by("place", "id")


class Turn(models.Model):
    """One say, by the player or a character; its id is the position of its event."""

    class Kind(models.TextChoices):
        """The kinds of its event."""

        USER = "user_turn"
        ASSISTANT = "assistant_turn"

    id = models.BigIntegerField(primary_key=True)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="turns", db_index=False)
    kind = models.CharField(max_length=20, choices=Kind)
    #: Character id; None for the player.
    speaker = models.BigIntegerField(null=True)
    #: The speaker's or the persona's name at the time.
    speaker_name = models.CharField(max_length=80)
    text = models.TextField()
    #: complete, stopped or interrupted.
    state = models.CharField(max_length=12)
    #: Position of what opened the turn group: a player's turn, a request to go on, a greeting, a meanwhile.
    group = models.BigIntegerField()
    #: Where it stands in the story: the position of the first writing of its chain.
    place = models.BigIntegerField()
    scene = models.BigIntegerField(null=True)
    #: Ids of the characters who were present; only they may be prompted with it.
    witnesses = models.JSONField()
    said_at = models.DateTimeField()
    regenerated_from = models.BigIntegerField(null=True)
    #: Of an interjection: the speaker of the primary reply.
    interjection_of = models.BigIntegerField(null=True)
    #: Position of the turn that stands in its place, or of its deletion; None while it stands.
    superseded_by = models.BigIntegerField(null=True)
    #: The turn that took it along when it ceased to stand, or whose edit did; None while it stands.
    went_with = models.BigIntegerField(null=True)
    #: Of the first of a line of writings (`rewriting.line_of`): the ids of the turns that fell with it, in order. They
    #: come back with it, wherever they have stood since; empty while one of the line stands.
    took_along = models.JSONField(default=list, db_default=Value([], models.JSONField()))
    #: Position of the event that brought it back last, after another writing had stood in its place.
    restored_by = models.BigIntegerField(null=True)
    #: The meanwhile in which it was said.
    meanwhile = models.ForeignKey(Meanwhile, on_delete=models.CASCADE, null=True, related_name="turns", db_index=False)
    #: Id of the generation that wrote it; "" for the player's, edits, and what came with a story.
    generation = models.CharField(max_length=32, default="")

    objects = TurnQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["chat", "place"], condition=Q(superseded_by=None), name="live_turns_in_story_order"),
            models.Index(fields=["chat", "group", "id"], name="turn_groups"),
            models.Index(
                fields=["chat", "place"], condition=Q(superseded_by__isnull=False), name="other_writings_of_a_place"
            ),
            models.Index(
                fields=["chat", "place"],
                condition=Q(superseded_by=None) & (~Q(id=models.F("place")) | Q(restored_by__isnull=False)),
                name="turns_that_were_rewritten",
            ),
            models.Index(
                fields=["chat", "place"],
                condition=Q(superseded_by=None, meanwhile__isnull=False),
                name="live_turns_of_meanwhiles",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.speaker_name}: {self.text[:40]}"

    @property
    def is_edit(self) -> bool:
        """Whether it was written by hand in the place of another, and not with the whole story."""
        return bool(self.regenerated_from) and not self.generation and not self.chat.came_with(self.id)


def stream_of(chat: int) -> str:
    """The name of a chat's stream."""
    return f"chat-{chat}"
