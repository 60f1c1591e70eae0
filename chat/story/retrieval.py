"""Which memories come to a character's mind: recency, importance and relevance, within a budget.

The formula is that of Park et al., "Generative Agents: Interactive Simulacra of Human Behavior" (UIST 2023,
section 4.1, "Retrieval"):

    score = a_recency · recency + a_importance · importance + a_relevance · relevance

with all three normalised to [0, 1] by min-max scaling over the memories at hand. The paper sets every weight to 1; the
authors' published code weighs recency 0.5, relevance 3 and importance 2, and so do we. Their recency decays by 0.995
per hour of the game; a story has no clock, so age is counted in younger memories of the same character. Their
relevance is the cosine of embeddings; ours is the share of a memory's words that occur in what is being talked about,
each word weighed by how rare it is among the memories (as in tf-idf), so no model is asked.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

DECAY = 0.995
RECENCY, IMPORTANCE, RELEVANCE = 0.5, 2.0, 3.0
#: Shorter words (and, the, but) say little of what a text is about.
SHORTEST_WORD = 4
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A memory that may come to mind; `cost` in tokens."""

    text: str
    importance: int
    cost: int


def recalled(candidates: Sequence[Candidate], *, about: str, tokens: int) -> list[int]:
    """Indices of the memories that come to mind, oldest first; `candidates` are in story order."""
    scores = _scores(candidates, about)
    best = sorted(range(len(candidates)), key=lambda index: (-scores[index], -index))
    taken = []
    for index in best:
        if candidates[index].cost <= tokens:
            tokens -= candidates[index].cost
            taken.append(index)
    return sorted(taken)


def words_of(text: str) -> set[str]:
    """The words by which relevance is told, without regard to case."""
    return {word for word in _WORD.findall(text.casefold()) if len(word) >= SHORTEST_WORD}


def _scores(candidates: Sequence[Candidate], about: str) -> list[float]:
    newest = len(candidates) - 1
    recency = [DECAY ** (newest - index) for index in range(len(candidates))]
    importance = [float(candidate.importance) for candidate in candidates]
    relevance = _relevance([words_of(candidate.text) for candidate in candidates], words_of(about))
    return [
        RECENCY * new + IMPORTANCE * weighty + RELEVANCE * fitting
        for new, weighty, fitting in zip(_scaled(recency), _scaled(importance), _scaled(relevance), strict=True)
    ]


def _relevance(memories: Sequence[set[str]], about: set[str]) -> list[float]:
    seen = Counter(word for words in memories for word in words)
    weight = {word: math.log(1 + len(memories) / count) for word, count in seen.items()}

    def share(words: set[str]) -> float:
        whole = sum(weight[word] for word in words)
        return sum(weight[word] for word in words & about) / whole if whole else 0.0

    return [share(words) for words in memories]


def _scaled(values: list[float]) -> list[float]:
    low, high = min(values, default=0.0), max(values, default=0.0)
    return [(value - low) / (high - low) if high > low else 0.0 for value in values]
