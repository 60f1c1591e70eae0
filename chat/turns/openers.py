"""What the player said, or asked for, that no reply has taken up yet."""

from datetime import datetime, timedelta

from django.db import models

from chat.log.models import Event
from chat.statements import composed
from chat.story.models import Chat, Turn
from chat.story.payloads import ReplyRequested, UserTurn, kind_of
from chat.turns.models import Generation

#: Whoever recorded a turn begins its reply at once; only after so long does it count as forgotten.
ABOUT_TO_BEGIN = timedelta(seconds=15)
#: Turns posted while a reply ran, of which at most so many are looked at for a pick or a mention.
MAX_OPENERS = 20
_OPENERS = (kind_of(UserTurn), kind_of(ReplyRequested))


def unanswered(chat: Chat) -> list[Event]:
    """The player's turns, and requests to go on, that no reply has taken up yet, newest first.

    Without the turns that nobody heard: who enters later cannot answer them.
    """
    since = max([chat.answered_to, *_taken_up(chat.id)])
    return _openers(chat.id, since) if chat.asked_at > since else []


@composed
def _taken_up(chat: int) -> "models.QuerySet[Generation, int]":
    """Up to where the turns of a chat are answered or being answered; one row at most."""
    newest = Generation.objects.filter(chat=chat).order_by("-answers_up_to")
    return newest.values_list("answers_up_to", flat=True)[:1]


@composed
def _openers(chat: int, since: int) -> "models.QuerySet[Event]":
    # An edit opens nothing, and what was deleted needs no answer.
    stands = Turn.objects.live().filter(chat=chat, kind=Turn.Kind.USER, group=models.OuterRef("position"))
    openers = Event.objects.filter(
        models.Q(kind=kind_of(ReplyRequested)) | models.Exists(stands),
        stream=chat,
        position__gt=since,
        kind__in=_OPENERS,
    )
    return openers.exclude(_unheard("position")).order_by("-position")[:MAX_OPENERS]


def waiting(*, now: datetime) -> list[int]:
    """The chats in which something was said, not just now, that no reply has taken up; by an index of just those."""
    taken_up = Generation.objects.filter(chat=models.OuterRef("id"), answers_up_to__gte=models.OuterRef("asked_at"))
    asked = Chat.objects.filter(
        asked_at__gt=models.F("answered_to"), deleted_at=None, last_turn_at__lt=now - ABOUT_TO_BEGIN
    )
    return list(asked.exclude(models.Exists(taken_up)).exclude(_unheard("asked_at")).values_list("id", flat=True))


def _unheard(position: str) -> models.Exists:
    return models.Exists(Turn.objects.filter(id=models.OuterRef(position), witnesses=[]))
