import pytest

from chat.llm.word_reader import Afoot, Page, debrief, read_turn

MARA, ILSE, TOM = 1, 2, 3
NAMES = {MARA: "Mara", ILSE: "Ilse", TOM: "Tom"}
LETTER = Afoot(7, "Open the sealed letter", active=False)
OPENING = Afoot(7, "Open the sealed letter", active=True)


def read(text, *afoot, speaker=0, witnesses=NAMES):
    name = NAMES.get(speaker, "You")
    return read_turn(Page(speaker=speaker, speaker_name=name, text=text, witnesses=witnesses, afoot=afoot))


@pytest.mark.parametrize(
    "text",
    ["“Let us open the sealed letter.”", "I break the seal of the letter and OPEN it.", "She opens the letters."],
)
def test_naming_a_planned_events_words_starts_it(text):
    assert read(text, LETTER).moved == ((7, "active"),)


@pytest.mark.parametrize("text", ["The letter lies there.", "An open question.", "Nothing of it is said."])
def test_one_word_of_several_starts_nothing(text):
    assert read(text, LETTER).moved == ()


@pytest.mark.parametrize(
    "text", ["The sealed letter is done.", "I opened the letter.", "The sealed letter! It is done."]
)
def test_saying_that_it_is_done_completes_an_active_one(text):
    assert read(text, OPENING).moved == ((7, "completed"),)


def test_naming_an_active_one_again_changes_nothing():
    assert read("Open the sealed letter, Mara!", OPENING).moved == ()


@pytest.mark.parametrize("afoot", [LETTER, OPENING])
def test_calling_it_off_cancels_it(afoot):
    assert read("Never mind the sealed letter.", afoot).moved == ((7, "cancelled"),)


def test_a_title_of_short_words_is_told_by_them():
    assert read("We go up now.", Afoot(1, "Go up", active=False)).moved == ((1, "active"),)
    assert read("Find the key.", Afoot(1, "Find the key", active=False)).moved == ((1, "active"),)


def test_a_witness_remembers_the_line_in_which_it_is_named():
    reading = read("The wind turns. “Mara, you promised me a boat.” Then nothing.")

    (memory,) = reading.memories
    assert (memory.witness, memory.importance) == (MARA, 7)
    assert memory.text == "You: “Mara, you promised me a boat.”"


def test_nobody_remembers_having_named_itself_nor_a_name_inside_a_word():
    assert read("“I am Mara.” Tomorrow.", speaker=MARA).memories == ()


def test_everybody_remembers_a_turn_that_moved_something():
    reading = read("I open the sealed letter.", LETTER)

    assert [(memory.witness, memory.importance) for memory in reading.memories] == [(MARA, 8), (ILSE, 8), (TOM, 8)]


def test_kind_and_harsh_words_move_the_one_who_is_named():
    felt = read("“Thank you, Ilse.” He turns. “Mara, you liar!” “Tom, I hate you and I love you.”").feelings

    assert [(one.character, one.toward, one.delta) for one in felt] == [(MARA, 0, -1), (ILSE, 0, 1)]


def test_reading_twice_finds_the_same():
    text = "“Mara, I trust you.” I open the sealed letter. Never mind the boat."

    assert read(text, LETTER) == read(text, LETTER)


def test_a_debrief_is_made_of_moves_the_weightiest_memories_and_what_is_open():
    memories = [("Mara: “One.”", 5), ("Mara: “Two.”", 8), ("Mara: “Three.”", 5), ("Mara: “Four.”", 5)]

    assert debrief([("Open the letter", "completed")], memories, ["The boat comes"]) == (
        "Open the letter (completed). Mara: “One.” Mara: “Two.” Mara: “Three.” Still open: The boat comes."
    )
    assert debrief([], [], []) == "Nothing was settled."
