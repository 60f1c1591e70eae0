"""Choosing who speaks next: the player's pick, then a mention, then talkativeness, then rotation."""

import random
import re
from collections.abc import Sequence

from chat.story.payloads import Card


def choose_speaker(
    present: Sequence[Card], *, text: str, picked: int | None, recent: Sequence[int], rng: random.Random
) -> Card:
    """The card of the next speaker.

    `present` is not empty; `text` is what is to be answered ("" for "someone goes on"); `recent` are the last
    speakers, newest first. Who has just spoken does not go on alone while others are there.
    """
    by_id = {card.id: card for card in present}
    if picked in by_id:
        return by_id[picked]
    if (mentioned := first_mentioned(present, text)) is not None:
        return mentioned
    others = [card for card in present if text or card.id not in recent[:1]] or list(present)
    eager = [card for card in others if rng.random() < card.talkativeness] or others
    return min(eager, key=lambda card: _spoken_at(card.id, recent))


def choose_for_meanwhile(there: Sequence[Card], *, direction: str, recent: Sequence[int]) -> Card:
    """The card of who speaks next among those in a meanwhile: who has been silent longest.

    `recent` are the last speakers of meanwhiles, newest first. Who is named in the direction begins, unless they have
    just spoken.
    """
    silent = [card for card in there if card.id not in recent[:1]]
    if not any(card.id in recent for card in there) and (named := first_mentioned(silent, direction)) is not None:
        return named
    return min(silent, key=lambda card: _spoken_at(card.id, recent))


def first_mentioned(cards: Sequence[Card], text: str) -> Card | None:
    """The character whose name, or first name of two letters or more, stands earliest in the text."""
    places = {card.id: place for card in cards if (place := _mention(card.name, text)) is not None}
    return min((card for card in cards if card.id in places), key=lambda card: places[card.id], default=None)


def _mention(name: str, text: str) -> int | None:
    names = {name, *(part for part in name.split()[:1] if len(part) > 1)}
    found = re.search(
        r"(?<!\w)(?:" + "|".join(map(re.escape, sorted(names, key=len))) + r")(?!\w)", text, re.IGNORECASE
    )
    return found.start() if found else None


def _spoken_at(character: int, recent: Sequence[int]) -> int:
    """Larger for whoever spoke more recently; 0 for one who has not spoken lately."""
    return len(recent) - recent.index(character) if character in recent else 0
