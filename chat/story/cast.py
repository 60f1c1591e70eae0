"""Who plays in a chat."""

from django.db.models import QuerySet

from chat.statements import composed
from chat.story.models import CastMember
from chat.story.payloads import Card


def cards_of(chat_id: int) -> dict[int, Card]:
    """The characters of a chat as it knows them now, by id, in the order in which they joined."""
    return {member.character: member.as_card() for member in _members(chat_id)}


@composed
def _members(chat: int) -> "QuerySet[CastMember]":
    return CastMember.objects.filter(chat=chat).order_by("id")
