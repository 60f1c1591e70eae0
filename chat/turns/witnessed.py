"""What a speaker may be prompted with: the scene, and before a place the turns it witnessed and what it knows."""

from dataclasses import dataclass

from django.db.models import QuerySet

from chat.llm.client import estimate_tokens
from chat.rows import fetch
from chat.statements import composed
from chat.story.cast import cards_of
from chat.story.known import known_to
from chat.story.models import END, Chat, Meanwhile, Turn
from chat.story.models import Scene as SceneRow
from chat.turns.claims import Claim
from chat.turns.prompts import Line, Scene

#: Turns read at a time, newest first, until the budget is surely full.
_READ = 200
#: Memories get one token in so many of a prompt's, at most this many.
MEMORY_SHARE, MOST_MEMORY_TOKENS = 12, 800
#: What is being talked about, by which memories come to mind: the last lines.
TALKED_ABOUT = 4


@dataclass(frozen=True, slots=True)
class Material:
    """What a prompt is composed of; the lines in story order."""

    scene: Scene
    lines: tuple[Line, ...]


def material(claim: Claim, *, tokens: int) -> Material:
    """Everything for the claimed reply, as of its place; about `tokens` of turns, never much less if there are more."""
    chat, cards = fetch(Chat, id=claim.chat), cards_of(claim.chat)
    before = fetch(Turn, id=claim.rewrites) if claim.rewrites else None
    place = before.place if before else END
    meanwhile = fetch(Meanwhile, id=claim.meanwhile) if claim.meanwhile else None
    here = before.witnesses if before else meanwhile.characters if meanwhile else chat.present
    present = [id_ for id_ in here if id_ in cards]
    # Of a meanwhile the main scene says nothing.
    title = "" if meanwhile else _scene_title(before.scene) if before else chat.scene_title
    lines = _lines(chat, claim.speaker.id, before=place, tokens=tokens)
    about = "\n".join(line.text for line in lines[-TALKED_ABOUT:])
    memory_tokens = min(MOST_MEMORY_TOKENS, tokens // MEMORY_SHARE)
    return Material(
        Scene(
            speaker=claim.speaker,
            present=tuple(cards[id_] for id_ in present),
            absent=tuple(card.name for id_, card in cards.items() if id_ not in present),
            persona=chat.persona,
            persona_description=chat.persona_description,
            premise=chat.premise,
            title=title,
            guidance=claim.guidance,
            direction=meanwhile.direction if meanwhile else "",
            player_is_here=meanwhile is None,
            known=known_to(chat, claim.speaker.id, before=place, about=about, tokens=memory_tokens),
        ),
        tuple(lines),
    )


def _scene_title(scene: int | None) -> str:
    return SceneRow.objects.filter(id=scene or 0).values_list("title", flat=True).first() or ""


def _lines(chat: Chat, witness: int, *, before: int, tokens: int) -> list[Line]:
    """The live turns that this character witnessed, with an earlier place, oldest first."""
    lines: list[Line] = []
    while tokens > 0:
        read = _said(chat.id, before)
        for place, speaker, name, text, witnesses in read:
            if witness in witnesses:
                lines.append(Line(place=place, speaker=speaker, name=name, text=text))
                tokens -= estimate_tokens(text)
        if len(read) < _READ:
            break
        before = read[-1][0]
    return lines[::-1]


@composed
def _said(chat: int, before: int) -> "QuerySet[Turn, tuple[int, int | None, str, str, list[int]]]":
    # A prompt takes hundreds of turns: only what a line is made of, and no models.
    turns = Turn.objects.live().filter(chat=chat, place__lt=before).order_by("-place", "-id")
    return turns.values_list("place", "speaker", "speaker_name", "text", "witnesses")[:_READ]
