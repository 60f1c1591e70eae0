"""Who belongs to a chat: its cast and its members."""

from dataclasses import asdict

from chat.log.models import Event
from chat.rows import insert
from chat.story.models import CastMember, Chat, Membership
from chat.story.payloads import Card, CharacterJoined, CharacterRevised, MemberJoined, MemberLeft

type CastPayload = CharacterJoined | CharacterRevised | MemberJoined | MemberLeft


def join(chat: Chat, card: Card) -> None:
    """Put a character into the cast."""
    insert([CastMember(chat=chat, character=card.id, name=card.name, card=_json(card))])


def apply(chat: Chat, event: Event, payload: CastPayload) -> None:
    """Write the rows of one event."""
    match payload:
        case CharacterJoined():
            join(chat, payload.card)
        case CharacterRevised():
            CastMember.objects.filter(chat=chat, character=payload.card.id).update(
                name=payload.card.name, card=_json(payload.card)
            )
        case MemberJoined():
            insert([Membership(chat=chat, user_id=payload.user, role="player")])
        case MemberLeft():
            Membership.objects.filter(chat=chat, user_id=payload.user).delete()


def _json(card: Card) -> dict[str, object]:
    return asdict(card) | {"tags": list(card.tags)}
