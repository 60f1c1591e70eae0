"""Characters as their authors keep them, and what an edit means for the chats they are in."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from chat.errors import ChatError
from chat.story import writer
from chat.story.models import CastMember, Character, Chat
from chat.story.payloads import CharacterRevised
from chat.turns.chats import refuse_namesake, source

if TYPE_CHECKING:
    from django.contrib.auth.models import User

NAME_CHARACTERS = 80
TEXT_CHARACTERS = 20_000


class InvalidCharacterError(ChatError):
    """A character needs a name of 1 to 80 characters without a colon or a line break."""

    status = 422


@dataclass(frozen=True, kw_only=True, slots=True)
class Details:
    """What an author writes of a character; `talkativeness` from 0 to 1."""

    name: str
    description: str = ""
    personality: str = ""
    scenario_note: str = ""
    example_dialogue: str = ""
    greeting: str = ""
    talkativeness: float = 0.5
    tags: Sequence[str] = ()


def create_character(owner: "User", details: Details, *, portrait: str = "") -> Character:
    """Keep a new character; InvalidCharacterError."""
    return Character.objects.create(owner=owner, portrait=portrait, **_checked(details))


def revise_character(character: Character, details: Details, *, by: "User", portrait: str | None = None) -> None:
    """Change a character, here and from now on in each chat of the author's that has it in its cast.

    `portrait` None leaves the portrait as it is. Raises InvalidCharacterError, and SameNameError when another one
    in such a chat is called so.
    """
    before = character.name
    for name, value in _checked(details).items():
        setattr(character, name, value)
    if portrait is not None:
        character.portrait = portrait
    with transaction.atomic():
        character.save()
        for chat in Chat.objects.filter(owner_id=character.owner_id, cast__character=character.pk).order_by("id"):
            if character.name.casefold() != before.casefold() and chat.deleted_at is None:
                others = chat.cast.exclude(character=character.pk).values_list("name", flat=True)
                refuse_namesake(character.name, others, story=chat.title)
            writer.write(chat.id, [CharacterRevised(card=character.card())], source(by))


def adopt_cast(user: "User", chat: Chat) -> list[Character]:
    """Copies, as the user's own, of those of a chat's cast whose name the user has no character of yet."""
    owned = set(Character.objects.filter(owner=user).values_list("name", flat=True))
    return [
        Character.objects.create(owner=user, **{name: value for name, value in member.card.items() if name != "id"})
        for member in CastMember.objects.filter(chat=chat).order_by("id")
        if member.name not in owned
    ]


def _checked(details: Details) -> dict[str, object]:
    name = " ".join(details.name.split())
    if not 1 <= len(name) <= NAME_CHARACTERS or ":" in name:
        raise InvalidCharacterError
    if not 0 <= details.talkativeness <= 1:
        raise InvalidCharacterError("Talkativeness is a number from 0 to 1.")
    values = asdict(details)
    if any(isinstance(value, str) and len(value) > TEXT_CHARACTERS for value in values.values()):
        raise InvalidCharacterError(f"Each text of a character may have {TEXT_CHARACTERS:,} characters at most.")
    tags = [tag.strip()[:40] for tag in details.tags if tag.strip()]
    texts = {key: value.strip().replace("\x00", "") for key, value in values.items() if isinstance(value, str)}
    return values | texts | {"name": name.replace("\x00", ""), "tags": tags[:20]}
