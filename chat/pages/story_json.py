"""The facts of a story as JSON: story events, memories, relationships, milestones, decisions."""

from typing import Any

from chat.story import decisions
from chat.story.bonds import Bond, bonds, names_of
from chat.story.fact_models import Decision, Memory, Milestone, StoryEvent
from chat.story.models import Chat


def story_json(chat: Chat) -> dict[str, Any]:
    """The facts as JSON: `because_of` is the id of the turn that caused one, null when it was done by hand."""
    names = names_of(chat)
    active = set(Memory.objects.filter(chat=chat).active().values_list("id", flat=True))
    decided = list(Decision.objects.filter(chat=chat).order_by("id"))
    stale = decisions.stale_of(decided)
    return {
        "story_events": [
            {
                "id": one.id,
                "title": one.title,
                "description": one.description,
                "status": one.status,
                "because_of": one.because_of,
            }
            for one in StoryEvent.objects.filter(chat=chat).visible().order_by("place", "id")
        ],
        "memories": [
            {
                "id": one.id,
                "witness": names.get(one.witness, ""),
                "witness_id": one.witness,
                "text": one.text,
                "importance": one.importance,
                "because_of": one.turn,
                "active": one.id in active,
            }
            for one in Memory.objects.filter(chat=chat).order_by("place", "id")
        ],
        "relationships": [_bond_json(bond, names) for bond in bonds(chat)],
        "milestones": [
            {"id": one.id, "story_event": one.story_event, "text": one.text, "because_of": one.turn}
            for one in Milestone.objects.filter(chat=chat).live().order_by("place", "id")
        ],
        "decisions": [_decision_json(one, stale=one.id in stale) for one in decided],
    }


def _bond_json(bond: Bond, names: dict[int, str]) -> dict[str, Any]:
    return {
        "character": names.get(bond.character, ""),
        "character_id": bond.character,
        "toward": names.get(bond.toward, ""),
        "toward_id": bond.toward,
        "level": bond.level,
        "word": bond.word,
        "why": bond.why,
        "because_of": bond.because_of,
    }


def _decision_json(decision: Decision, *, stale: bool) -> dict[str, Any]:
    return {
        "id": decision.id,
        "context": decision.context,
        "choice": decision.choice,
        "reasoning": decision.reasoning,
        "decided_by": decision.decided_by,
        "turns": decision.turns,
        "about": decision.about,
        "scene": decision.scene,
        "verdict": decision.verdict,
        "stale": stale,
        **decision.body,
    }
