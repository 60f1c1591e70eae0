"""Gathers the models of every floor, where Django looks for them."""

from chat.log.models import Event, Stream
from chat.pages.models import EnterLink, Preference
from chat.story.models import CastMember, Character, Chat, Membership, Scene, Turn
from chat.turns.models import Generation

__all__ = [
    "CastMember",
    "Character",
    "Chat",
    "EnterLink",
    "Event",
    "Generation",
    "Membership",
    "Preference",
    "Scene",
    "Stream",
    "Turn",
]
