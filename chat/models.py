"""Gathers the models of every floor, where Django looks for them."""

from chat.log.models import Event, Stream
from chat.pages.models import EnterLink, Preference
from chat.story.fact_models import (
    Decision,
    Memory,
    Milestone,
    RelationshipChange,
    StoryEvent,
    StoryTransition,
    TurnReading,
)
from chat.story.models import CastMember, Character, Chat, Meanwhile, Membership, Scene, Turn
from chat.turns.models import Generation

__all__ = [
    "CastMember",
    "Character",
    "Chat",
    "Decision",
    "EnterLink",
    "Event",
    "Generation",
    "Meanwhile",
    "Membership",
    "Memory",
    "Milestone",
    "Preference",
    "RelationshipChange",
    "Scene",
    "StoryEvent",
    "StoryTransition",
    "Stream",
    "Turn",
    "TurnReading",
]
