import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.turns.lines import Lines, last_whole_sentence


def run(*chunks: str, cut: bool = False) -> tuple[str, str, bool]:
    lines = Lines("Mara", ["Ilse", "You"])
    shown = "".join(lines.feed(chunk) for chunk in chunks)
    return shown, lines.end(cut=cut), lines.over


@pytest.mark.parametrize("prefix", ["Mara:", "Mara: ", "**Mara:** ", "MARA: ", "[Mara]: ", "*Mara*: "])
def test_its_own_name_is_removed(prefix):
    assert run(prefix + "“So.”")[1] == "“So.”"


@pytest.mark.parametrize("foreign", ["Ilse: No.", "**Ilse:** No.", "ilse: No.", "You: I go.", "  Ilse : No."])
def test_it_ends_where_it_begins_to_speak_for_another(foreign):
    shown, text, over = run("“So.”\n\n", foreign, "\nmore")

    assert text == "“So.”"
    assert over
    assert "No" not in shown
    assert "Ilse" not in shown


def test_a_name_at_the_start_of_a_sentence_is_no_prefix():
    assert run("Ilse", " looked away: she knew.")[1] == "Ilse looked away: she knew."


def test_a_name_that_begins_another_word_is_let_through():
    assert run("I", "ls", "an", " waters: cold.")[1] == "Ilsan waters: cold."


def test_an_undecided_name_is_held_back_until_it_is_decided():
    lines = Lines("Mara", ["Ilse"])

    assert lines.feed("“So.”\nIl") == "“So.”\n"
    assert lines.feed("se") == ""
    assert lines.feed(" left.") == "Ilse left."


def test_a_reply_cut_by_the_cap_ends_at_its_last_whole_sentence():
    assert run("“Go.” She turned. And th", cut=True)[1] == "“Go.” She turned."
    assert last_whole_sentence("no end at all") == "no end at all"
    assert last_whole_sentence("*She nods.* Th") == "*She nods.*"


@given(st.text(alphabet="MaraIlse: \n*Yo.", max_size=60), st.lists(st.integers(1, 7), max_size=30))
def test_how_the_text_is_cut_into_chunks_makes_no_difference(text, sizes):
    chunks, rest = [], text
    for size in sizes:
        chunks.append(rest[:size])
        rest = rest[size:]

    assert run(*chunks, rest)[1:] == run(text)[1:]


@given(st.text(alphabet="MaraIlse: \n*Yo.", max_size=60))
def test_what_is_shown_is_never_taken_back(text):
    shown, whole, _ = run(*text)

    assert whole.startswith(shown.strip())
