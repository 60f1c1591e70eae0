"""What a speaker may be prompted with: the scene, and before a place the turns it witnessed and what it knows."""

from dataclasses import dataclass

from chat.llm.client import estimate_tokens
from chat.story.known import known_to
from chat.story.models import Chat, Meanwhile, Turn
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
    chat = Chat.objects.get(id=claim.chat)
    cards = {member.character: member.as_card() for member in chat.cast.all()}
    before = Turn.objects.get(id=claim.rewrites) if claim.rewrites else None
    place = before.place if before else None
    meanwhile = Meanwhile.objects.get(id=claim.meanwhile) if claim.meanwhile else None
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


def _lines(chat: Chat, witness: int, *, before: int | None, tokens: int) -> list[Line]:
    """The live turns that this character witnessed, with an earlier place, oldest first."""
    lines: list[Line] = []
    while tokens > 0:
        turns = chat.turns.live() if before is None else chat.turns.live().filter(place__lt=before)
        # A prompt takes hundreds of turns: only what a line is made of, and no models.
        said = turns.order_by("-place", "-id").values_list("place", "speaker", "speaker_name", "text", "witnesses")
        read = list(said[:_READ])
        for place, speaker, name, text, witnesses in read:
            if witness in witnesses:
                lines.append(Line(place=place, speaker=speaker, name=name, text=text))
                tokens -= estimate_tokens(text)
        if len(read) < _READ:
            break
        before = read[-1][0]
    return lines[::-1]
