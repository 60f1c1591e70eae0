"""The prompt of a model too small to be instructed: the page of a play, to be continued by one line.

The shape is what worked best in experiments with SmolLM2-135M: title and names in capitals, one member of the cast
to a line, about four short cues of nothing but speech. Stage directions make it write more of them, and long cues
make it run on about itself.
"""

import re
from collections.abc import Sequence

from chat.llm.client import Prompt
from chat.turns.prompts import Budget, Line, Scene

MAX_CUES = 4
CUE_WORDS = 36
#: Tokens of a name, a colon and a line break round a cue.
TOKENS_PER_CUE = 4
#: The page of a player who is only "You".
STRANGER = "THE VISITOR"

_SPEECH = re.compile(r"[“\"]([^”\"]+)[”\"]")
_SENTENCE = re.compile(r"[^.!?…]+[.!?…]*\s*")


def cues(lines: Sequence[Line]) -> list[str]:
    """The newest turns as cues of a play: only what is said aloud, the last whole sentences of it."""
    return [_cue(line.text) for line in lines[-MAX_CUES:]]


def compose_script(
    scene: Scene, lines: Sequence[Line], *, costs: Sequence[int], overhead: int, budget: Budget
) -> Prompt:
    """The page; `costs` are the tokens of `cues(lines)`, `overhead` those of `head(scene)`."""
    newest, said = lines[-MAX_CUES:], cues(lines)
    room = budget.prompt - overhead - TOKENS_PER_CUE * 2
    kept = len(said)
    while kept and (room := room - costs[kept - 1] - TOKENS_PER_CUE) >= 0:
        kept -= 1
    shown = [f"{_name(scene, line.name)}: {cue}" for line, cue in zip(newest[kept:], said[kept:], strict=True)]
    return Prompt(
        script="\n".join([head(scene), "", *shown, f"{_name(scene, scene.speaker.name)}:"]),
        stop=("\n",),
        max_tokens=budget.reply,
    )


def head(scene: Scene) -> str:
    """Title, scene and cast, in few words: a small model has little room."""
    here = _sentences(scene.direction or scene.title)
    where = " ".join(part for part in (here, _first_sentences(scene.premise, 24)) if part)
    cast = [
        f"{card.name.upper()}, {_uncapitalised(_first_sentences(card.description, 16)).rstrip('.') or 'one of them'}."
        for card in scene.present
    ]
    player = [f"{_name(scene, scene.persona)}."] if scene.player_is_here else []
    return "\n".join(["A play in one act.", "", where or "A room.", "", *cast, *player])


def as_speech(line: str) -> str:
    """A line of the play as a turn: in quotation marks, unless it has some."""
    return line if not line or set(line) & set('“”"*') else f"“{line}”"


def _name(scene: Scene, name: str) -> str:
    return STRANGER if name == scene.persona and name.casefold() == "you" else name.upper()


def _cue(text: str) -> str:
    spoken = (" ".join(_SPEECH.findall(text)) or text).replace("*", "")
    sentences = _SENTENCE.findall(" ".join(spoken.split())) or [""]
    cue = sentences.pop()
    while sentences and len((sentences[-1] + cue).split()) <= CUE_WORDS:
        cue = sentences.pop() + cue
    return " ".join(cue.split()[-CUE_WORDS:])


def _first_sentences(text: str, most: int) -> str:
    """Whole sentences from the start, at most so many words; a longer first sentence is cut at a comma."""
    kept = ""
    for sentence in _SENTENCE.findall(" ".join(text.split())):
        if len((kept + sentence).split()) > most:
            break
        kept += sentence
    if kept:
        return kept.strip()
    words = " ".join(text.split()[:most])
    return words.rpartition(",")[0] or words


def _uncapitalised(text: str) -> str:
    return text[:1].lower() + text[1:]


def _sentences(text: str) -> str:
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
