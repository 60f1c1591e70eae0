import random

from chat.story.payloads import Card
from chat.turns.speaker import choose_speaker, first_mentioned

MARA = Card(id=1, name="Mara Quill", talkativeness=0.9)
ILSE = Card(id=2, name="Ilse", talkativeness=0.9)
TOM = Card(id=3, name="Tom", talkativeness=0)


def choose(text: str = "Well?", *, picked: int | None = None, recent: tuple[int, ...] = (), seed: int = 1) -> Card:
    return choose_speaker([MARA, ILSE, TOM], text=text, picked=picked, recent=recent, rng=random.Random(seed))


def test_whom_the_player_picks_speaks():
    assert choose("Mara, listen.", picked=3) == TOM


def test_a_mention_decides_and_the_first_one_wins():
    assert choose("Where is ilse, Mara?") == ILSE
    assert choose("mara, where is Ilse?") == MARA


def test_a_name_inside_a_word_is_no_mention():
    assert first_mentioned([TOM], "Tomorrow, atoms.") is None
    assert first_mentioned([TOM], "Ask TOM!") == TOM


def test_the_silent_speak_only_when_spoken_to():
    assert TOM not in {choose(seed=seed) for seed in range(50)}


def test_the_longest_silent_of_the_eager_speaks():
    assert {choose(recent=(1, 2), seed=seed) for seed in range(8)} >= {ILSE}
    assert choose(recent=(2, 1), seed=3) == MARA


def test_who_has_just_spoken_does_not_go_on_while_others_are_there():
    assert MARA not in {choose("", recent=(1,), seed=seed) for seed in range(50)}


def test_one_alone_goes_on():
    assert choose_speaker([MARA], text="", picked=None, recent=(1,), rng=random.Random(0)) == MARA


def test_nobody_eager_still_gives_a_speaker():
    assert choose_speaker([TOM], text="Hm?", picked=None, recent=(), rng=random.Random(0)) == TOM
