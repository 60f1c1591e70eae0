"""The reader of last resort: it reads by words alone, the same way every time, and knows nothing of meaning.

Its rules, all without regard to case. A *telling word* has three letters or more and is none of `_COMMON` (a title of
none but such words is told by all its words). Two words match when they are the same but for a plural's s, or begin
with the same letters: all of the shorter one but its last two, and at least four (open, opens, opened; letter,
letters). Words that are negated or asked after are read like any other.

- **Start.** A planned story event starts when a turn has every telling word of its title, or two of them and at
  least half.
- **Completion.** An active one is completed when a sentence has at least half of its title's telling words and, in it
  or in the next sentence, a word of `_DONE` (done, finished, opened, arrived ...) or a word of the title in the past
  tense (title "Light the lamp", turn "I lighted the lamp").
- **Cancelling.** A planned or active one is cancelled when a sentence has at least half of its title's telling words
  and one of `_OFF` ("never mind", "give up", "called off").
- **Memory.** Each witness but the speaker remembers the first sentence in which it is named, with importance 5, and
  7 when the sentence has a word of `_GRAVE`. Every witness remembers a turn that moved a story event, with 8.
- **Relationship.** A witness that is named in a sentence with a kind word moves by +1 toward the speaker, with a
  harsh word by -1; both in one sentence cancel out. A turn moves each pair by one step at most.
- **Debrief.** What story events were moved, then the weightiest memories, in story order, then what is still open.

It plans no story events and drafts no cautions.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

NAME = "word_reader"
#: Sentences of memories in a debrief.
MOST_REMEMBERED = 3
LONGEST_MEMORY = 240

type Moved = Literal["active", "completed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Afoot:
    """A story event that a turn may move."""

    id: int
    title: str
    active: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A turn to read; the speaker is a character's id, or 0 for the player."""

    speaker: int
    speaker_name: str
    text: str
    #: Names of the witnesses by id.
    witnesses: dict[int, str]
    afoot: tuple[Afoot, ...] = ()


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a witness keeps."""

    witness: int
    text: str
    importance: int


@dataclass(frozen=True, slots=True)
class Felt:
    """A step of how a witness feels toward the speaker."""

    character: int
    toward: int
    delta: int
    why: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found in a turn."""

    moved: tuple[tuple[int, Moved], ...]
    memories: tuple[Remembered, ...]
    feelings: tuple[Felt, ...]


def _words_in(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COMMON = _words_in(
    "about above after again against all also along and another any are around away back because been before being "
    "below between both but came can come could did does down each even ever every for from get going got had has "
    "have having her here hers herself him himself his how into its just let like made make may more most much must "
    "not now off only onto other our out over own put really said same say see shall she should since some such take "
    "than that the their them then there these they thing this those through too two under until upon very want "
    "wants was way well were what when where which while who why will with without would yes you your yours"
)
_DONE = _words_in("done finished over complete completed accomplished opened arrived settled ended ready lit")
_OFF = re.compile(r"\b(never mind|gives? up|gave up|call(?:s|ed)? (?:it )?off|not any ?more|forget (?:about )?it)\b")
_KIND = _words_in(
    "thank thanks grateful kind gentle trust forgive forgives forgiven friend friends dear love loves smile smiles "
    "brave sorry glad proud help helped embrace hug warm warmly"
)
_HARSH = _words_in(
    "hate hates liar lied lying traitor coward fool idiot stupid shame blame accuse betray betrayed threaten slap "
    "despise disgust disgusting worthless curse damn cruel"
)
_GRAVE = _words_in("promise promised swear swore secret never always death dead die love truth blood")
_WORD = re.compile(r"[^\W_]+(?:[-’'][^\W_]+)*")
_SENTENCE = re.compile(r"[^.!?…\n]+(?:[.!?…]+[\"”’'*)]*|\n|$)")
_SHORTEST, _SHORTEST_STEM = 3, 4


def read_turn(page: Page) -> Reading:
    """What the rules find in a turn; of each kind in the order of the page."""
    sentences = [sentence.strip() for sentence in _SENTENCE.findall(page.text) if sentence.strip()]
    moved = tuple((afoot.id, to) for afoot in page.afoot if (to := _move(afoot, page.text, sentences)))
    return Reading(
        moved,
        tuple(_memories(page, sentences, moved=bool(moved))),
        tuple(_feelings(page, sentences)),
    )


def debrief(moves: Sequence[tuple[str, str]], memories: Sequence[tuple[str, int]], open_titles: Sequence[str]) -> str:
    """What happened in a scene, and what is open, from (title, status) pairs and (memory, importance) pairs."""
    happened = "; ".join(f"{title} ({status})" for title, status in moves)
    weightiest = sorted(range(len(memories)), key=lambda index: (-memories[index][1], index))[:MOST_REMEMBERED]
    parts = [
        f"{happened}." if happened else "",
        " ".join(memories[index][0] for index in sorted(weightiest)),
        f"Still open: {'; '.join(open_titles)}." if open_titles else "",
    ]
    return " ".join(part for part in parts if part) or "Nothing was settled."


def _move(afoot: Afoot, text: str, sentences: Sequence[str]) -> Moved | None:
    telling = _telling(afoot.title)
    if not telling:
        return None
    #: Each sentence about it, with the one that follows.
    about_it = [
        (sentence, f"{sentence} {following}")
        for sentence, following in zip_longest(sentences, sentences[1:], fillvalue="")
        if 2 * _found(telling, sentence) >= len(telling)
    ]
    if any(_OFF.search(sentence.casefold()) for sentence, _ in about_it):
        return "cancelled"
    if afoot.active:
        return "completed" if any(_is_done(telling, both) for _, both in about_it) else None
    found = _found(telling, text)
    enough = found == len(telling) or (found > 1 and 2 * found >= len(telling))
    return "active" if enough else None


def _is_done(telling: Sequence[str], sentence: str) -> bool:
    words = _words(sentence)
    past = {f"{word.removesuffix('s').removesuffix('e')}ed" for word in telling}
    return bool((_DONE | past).difference(telling).intersection(words))


def _memories(page: Page, sentences: Sequence[str], *, moved: bool) -> Iterator[Remembered]:
    for witness, name in page.witnesses.items():
        named = next((one for one in sentences if witness != page.speaker and _names(name, one)), None)
        if named is not None:
            grave = bool(_GRAVE.intersection(_words(named)))
            yield Remembered(witness, _quote(page.speaker_name, named), 7 if grave else 5)
        if moved and sentences and named != sentences[0]:
            yield Remembered(witness, _quote(page.speaker_name, sentences[0]), 8)


def _feelings(page: Page, sentences: Sequence[str]) -> Iterator[Felt]:
    for witness, name in page.witnesses.items():
        if witness == page.speaker:
            continue
        for sentence in sentences:
            words = set(_words(sentence))
            delta = bool(words & _KIND) - bool(words & _HARSH)
            if delta and _names(name, sentence):
                yield Felt(witness, page.speaker, delta, _quote(page.speaker_name, sentence))
                break


def _quote(speaker: str, sentence: str) -> str:
    said = " ".join(sentence.replace("*", "").split()).strip("“”\"'‘’ ")
    return f"{speaker}: “{said if len(said) <= LONGEST_MEMORY else said[:LONGEST_MEMORY].rsplit(' ', 1)[0] + '…'}”"


def _names(name: str, sentence: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", sentence.casefold()) is not None


def _telling(title: str) -> list[str]:
    words = list(dict.fromkeys(_words(title)))
    return [word for word in words if len(word) >= _SHORTEST and word not in _COMMON] or words


def _found(telling: Iterable[str], text: str) -> int:
    words = set(_words(text))
    return sum(any(_match(word, other) for other in words) for word in telling)


def _match(one: str, other: str) -> bool:
    if one.removesuffix("s") == other.removesuffix("s"):
        return True
    stem = max(_SHORTEST_STEM, min(len(one), len(other)) - 2)
    return (
        min(len(one), len(other)) >= _SHORTEST_STEM
        and one[:stem] == other[:stem]
        and abs(len(one) - len(other)) <= stem
    )


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
