from hypothesis import given
from hypothesis import strategies as st

from chat.story.retrieval import Candidate, recalled

#: Three memories of the same age and weight, but for what a test changes.
LETTER = "Mara hid the letter in the old coat."
BREAD = "There is bread for five days."
BOAT = "The boat did not come on Tuesday."


def candidates(*texts, importance=5, cost=10):
    return [Candidate(text, importance, cost) for text in texts]


def test_what_is_talked_about_comes_to_mind_first():
    found = recalled(candidates(LETTER, BREAD, BOAT), about="Where is the letter, Mara?", tokens=10)

    assert found == [0]


def test_with_nothing_to_go_by_the_newest_comes_to_mind_first():
    assert recalled(candidates(LETTER, BREAD, BOAT), about="", tokens=10) == [2]


def test_what_matters_outweighs_what_is_new():
    memories = [Candidate(LETTER, 10, 10), Candidate(BREAD, 1, 10), Candidate(BOAT, 1, 10)]

    assert 0 in recalled(memories, about="", tokens=20)


def test_memories_come_oldest_first():
    assert recalled(candidates(LETTER, BREAD, BOAT), about="the letter", tokens=100) == [0, 1, 2]


@given(st.lists(st.builds(Candidate, st.text("ab ", max_size=9), st.integers(1, 10), st.integers(1, 50)), max_size=20),
       st.text("ab ", max_size=9), st.integers(0, 200))  # fmt: skip
def test_what_comes_to_mind_fits_the_budget(memories, about, tokens):
    found = recalled(memories, about=about, tokens=tokens)

    assert sum(memories[index].cost for index in found) <= tokens
    assert found == sorted(set(found))
