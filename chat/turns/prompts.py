"""Prompts: pure functions of what they are given, within a token budget.

What is stable stands first (who you are, the premise, the cast), then the turns the speaker witnessed, oldest
first, so that a server's prompt cache can reuse all of it but the end. When turns no longer fit, they are let
go in runs (see `first_kept`), not one by one: the prefix then stays the same for several replies.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from chat.llm.client import Message, Prompt, estimate_tokens
from chat.story.known import Knowledge
from chat.story.payloads import Card
from chat.turns.lines import last_whole_sentence

#: What part of a prompt's budget each ingredient may fill; what is left, a third at least, is for the turns.
SHARES = {
    "persona": 0.04,
    "premise": 0.08,
    "others": 0.1,
    "description": 0.1,
    "inner": 0.08,
    "voice": 0.08,
    "before": 0.06,
    "direction": 0.04,
    "known": 0.12,
    "guidance": 0.04,
}
#: The newest turn is always in the prompt, and this part of the budget is the most it may fill.
NEWEST_SHARE = 0.3
#: A turn may be the first of a prompt when its place is a multiple of this; the larger, the longer the runs.
RUN = 8
#: What a chat template spends on one message beside its text (role, separators): the estimate of OpenAI's
#: cookbook ("How to count tokens with tiktoken"), rounded up.
TOKENS_PER_MESSAGE = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One turn as a prompt sees it; `speaker` is None for the player."""

    place: int
    speaker: int | None
    name: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """Everything but the turns: who speaks, where, before whom."""

    speaker: Card
    #: Those present, the speaker included.
    present: tuple[Card, ...]
    persona: str
    persona_description: str = ""
    premise: str = ""
    title: str = ""
    #: What the speaker knows beside the turns.
    known: Knowledge = field(default_factory=Knowledge)
    #: What the speakers of a meanwhile are to talk about, in the player's words.
    direction: str = ""
    #: False in a meanwhile.
    player_is_here: bool = True
    #: Names of the cast who are not here.
    absent: tuple[str, ...] = ()
    #: What the player asks of a new writing.
    guidance: str = ""

    @property
    def company(self) -> tuple[str, ...]:
        """The names of those who are here with the speaker."""
        others = tuple(card.name for card in self.present if card.id != self.speaker.id)
        return (*others, self.persona) if self.player_is_here else others

    @property
    def others(self) -> tuple[str, ...]:
        """The names the speaker must not speak for: first of those who are here."""
        return (*self.company, *self.absent) if self.player_is_here else (*self.company, self.persona, *self.absent)


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """Tokens: what the prompt may fill, and what the reply may have."""

    prompt: int
    reply: int


# Asked for twice a prompt: to be counted and to be sent.
@lru_cache(maxsize=256)
def instructions(scene: Scene, budget: Budget) -> str:
    """The stable beginning of a chat prompt: what the speaker is, knows and must keep to, within its shares."""
    me = scene.speaker
    share = {name: int(part * budget.prompt) for name, part in SHARES.items()}
    inner = [clipped(text, share["inner"]) for text in (me.personality, me.scenario_note)]
    parts = [
        f"You are {me.name}, a character in a story that is told in turns. Stay {me.name} whatever happens.",
        _section(f"Who {me.name} is", clipped(me.description, share["description"]), *inner),
        _section("The story so far began like this", clipped(scene.premise, share["premise"])),
        _section(f"What {me.name} remembers of earlier scenes", *_newest(scene.known.before, share["before"])),
        _section("The scene", scene.title),
        _section("Present", *_introductions(scene, share)),
        _section(f"How {me.name} sounds", clipped(me.example_dialogue, share["voice"])),
        _rules(scene),
    ]
    return "\n\n".join(part for part in parts if part)


def notes(scene: Scene, budget: Budget) -> str:
    """What the speaker knows at this moment, within its share; "" when it is nothing.

    It changes from turn to turn, so it stands just before the last line, behind all that can be cached.
    """
    me, known = scene.speaker.name, scene.known
    parts = [
        _section("Mind this", *(f"- {caution}" for caution in known.cautions)),
        _section("What this is about", clipped(scene.direction, int(SHARES["direction"] * budget.prompt))),
        _section("What is afoot", *(f"- {title}" for title in known.afoot)),
        _section(f"How {me} feels", *known.bonds),
        _section(f"What {me} remembers", *(f"- {memory}" for memory in known.memories)),
    ]
    body = "\n".join(part for part in parts if part)
    known_part = f"[For {me} only]\n{clipped(body, int(SHARES['known'] * budget.prompt))}" if body else ""
    asked = clipped(scene.guidance, int(SHARES["guidance"] * budget.prompt))
    wish = f"[The player asks of {me}'s next words: {asked}]" if asked else ""
    return "\n\n".join(part for part in (known_part, wish) if part)


def clipped(text: str, tokens: int) -> str:
    """The text, or its first whole sentences of about so many tokens (by the estimate)."""
    if estimate_tokens(text) <= tokens:
        return text
    # Every character costs at most a token, and at least a quarter of one.
    cut = text[: tokens * 4]
    while estimate_tokens(cut) > tokens:
        cut = cut[: len(cut) * 3 // 4]
    return last_whole_sentence(cut)


def _newest(texts: Sequence[str], tokens: int) -> list[str]:
    """The newest texts that fit, oldest first."""
    kept: list[str] = []
    for text in reversed(texts):
        tokens -= estimate_tokens(text)
        if tokens < 0:
            break
        kept.append(text)
    return kept[::-1]


def compose_chat(scene: Scene, lines: Sequence[Line], *, costs: Sequence[int], overhead: int, budget: Budget) -> Prompt:
    """A prompt for a chat endpoint.

    `lines` are the turns the speaker witnessed, in story order; `costs` their tokens one by one, `overhead`
    those of `instructions(scene, budget)` and `notes(scene, budget)`. The newest line is always kept, clipped if
    need be.
    """
    room = budget.prompt - overhead - 2 * TOKENS_PER_MESSAGE
    kept = lines[first_kept([line.place for line in lines], [cost + TOKENS_PER_MESSAGE for cost in costs], room) :]
    nudge = f"[{scene.speaker.name} goes on.]"
    said = [_message(scene, line) for line in [*kept[:-1], *_clipped(kept[-1:], int(NEWEST_SHARE * budget.prompt))]]
    if noted := notes(scene, budget):
        said.insert(max(0, len(said) - 1), Message(role="user", content=noted))
    if not said or said[0].role == "assistant":
        said.insert(0, Message(role="user", content="[The scene begins.]"))
    if said[-1].role == "assistant":
        said.append(Message(role="user", content=nudge))
    return Prompt(
        messages=(Message(role="system", content=instructions(scene, budget)), *_merged(said)),
        stop=tuple(f"\n{name}:" for name in scene.others),
        max_tokens=budget.reply,
    )


def first_kept(places: Sequence[int], costs: Sequence[int], room: int) -> int:
    """Index of the first line that is kept: the suffix fits the room and, where it can, begins a run."""
    total, first = 0, len(costs)
    while first > 0 and (total + costs[first - 1] <= room or first == len(costs)):
        first -= 1
        total += costs[first]
    if first == 0:
        return 0
    return next((index for index in range(first, len(places) - 1) if places[index] % RUN == 0), first)


def _message(scene: Scene, line: Line) -> Message:
    if line.speaker == scene.speaker.id:
        return Message(role="assistant", content=line.text)
    return Message(role="user", content=f"{line.name}: {line.text}")


def _merged(messages: Sequence[Message]) -> list[Message]:
    """Neighbours of one role as one message: many chat templates insist that roles alternate."""
    merged: list[Message] = []
    for message in messages:
        if merged and merged[-1].role == message.role:
            merged[-1] = Message(role=message.role, content=f"{merged[-1].content}\n\n{message.content}")
        else:
            merged.append(message)
    return merged


def _clipped(lines: Sequence[Line], tokens: int) -> list[Line]:
    return [replace(line, text=clipped(line.text, tokens)) for line in lines]


def _introductions(scene: Scene, share: dict[str, int]) -> list[str]:
    others = [card for card in scene.present if card.id != scene.speaker.id]
    each = share["others"] // max(1, len(others))
    known = [f"{card.name}: {clipped(card.description, each)}".rstrip(": ") for card in others]
    if not scene.player_is_here:
        return known
    persona = clipped(scene.persona_description, share["persona"])
    return [*known, f"{scene.persona} (the player): {persona}".rstrip(": ")]


def _section(heading: str, *texts: str) -> str:
    body = "\n".join(text.strip() for text in texts if text.strip())
    return f"{heading}:\n{body}" if body else ""


def _rules(scene: Scene) -> str:
    me = scene.speaker.name
    return (
        f"Write only what {me} says and does, in one to three short paragraphs. Put actions between *asterisks* "
        f"and speech between “quotation marks”. Never write, decide or speak for {_either(scene.company)}. "
        "Do not begin with a name. Do not sum up, moralise or step out of the story."
    )


def _either(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
