"""Which fields of the payloads name other events; a copied story depends on every one of them being declared."""

from dataclasses import fields
from typing import Any, get_args, get_type_hints

from chat.story.fact_payloads import DecisionRegistered, EventPlanned
from chat.story.payloads import PAYLOADS, AssistantTurn, UserTurn
from chat.story.positions import Position, moved, positions_of, references

#: Whole numbers that are something else: amounts, and ids that are the same in every log.
OTHER_NUMBERS = {
    "addressed", "character", "characters", "chat", "completion_tokens", "delta", "duration_ms",
    "first_token_ms", "importance", "interjection_of", "owner", "present", "prompt_tokens", "speaker", "toward",
    "turns", "user", "witness",
}  # fmt: skip


def _is_whole_number(hint: Any) -> bool:
    return hint is int or any(_is_whole_number(part) for part in get_args(hint))


def test_every_whole_number_of_a_payload_is_a_position_or_known_to_be_something_else():
    undeclared = [
        f"{payload.__name__}.{field.name}"
        for payload in PAYLOADS
        for field in fields(payload)
        if _is_whole_number(get_type_hints(payload)[field.name]) and field.name not in OTHER_NUMBERS
    ]

    # A turn of another chat is a position, but not of this log.
    assert undeclared == ["Branched.turn"]


def test_positions_are_found_alone_in_tuples_and_where_they_may_be_absent():
    assert positions_of(DecisionRegistered) == ("turns", "about", "scene")
    decided = DecisionRegistered(context="", choice="", reasoning="", decided_by="", turns=(3, 5), scene=2)
    assert references(decided) == {2, 3, 5}
    assert references(UserTurn(text="7", addressed=7)) == set()
    assert get_type_hints(EventPlanned)["triggered_by_user_turn_id"] == Position | None


def test_a_payload_is_moved_to_other_positions():
    said = AssistantTurn(speaker=3, text="", group=3, regenerated_from=4)

    assert moved(said, {3: 30, 4: 40}) == AssistantTurn(speaker=3, text="", group=30, regenerated_from=40)
