"""Registering a decision: the judgements that Reactions make, as payloads for the log."""

from collections.abc import Mapping, Sequence

from chat.story import decisions
from chat.story.fact_payloads import DecisionRegistered


def debriefed(
    scene: int, *, text: str, parts: Mapping[int, str], turns: Sequence[int], decided_by: str
) -> DecisionRegistered:
    """A scene was looked back on: `text` for the player, a part for each witness, from these turns."""
    return DecisionRegistered(
        context=decisions.RUN_DEBRIEF,
        choice=decisions.DEBRIEFED,
        reasoning=f"Read {len(turns)} turn{'s' if len(turns) > 1 else ''}.",
        decided_by=decided_by,
        turns=tuple(turns),
        scene=scene,
        body={"text": text, "parts": {str(witness): part for witness, part in parts.items()}},
    )


def caution_drafted(
    text: str, *, audience: Sequence[int], reasoning: str, turns: Sequence[int], decided_by: str
) -> DecisionRegistered:
    """A caution for the prompts of its audience, once somebody has promoted it."""
    return DecisionRegistered(
        context=decisions.CAUTION_PROPOSAL,
        choice=decisions.CAUTION_DRAFTED,
        reasoning=reasoning,
        decided_by=decided_by,
        turns=tuple(turns),
        body={"text": text, "audience": list(audience)},
    )


def no_caution(*, reasoning: str, turns: Sequence[int], decided_by: str) -> DecisionRegistered:
    """Nobody needs to be cautioned: the usual case."""
    return DecisionRegistered(
        context=decisions.CAUTION_PROPOSAL,
        choice=decisions.NO_ACTION,
        reasoning=reasoning,
        decided_by=decided_by,
        turns=tuple(turns),
    )
