from chat.llm.client import estimate_tokens
from chat.story.payloads import Card
from chat.turns.prompts import Budget, Line, Scene
from chat.turns.script import as_speech, compose_script, cues, head

MARA = Card(id=1, name="Mara", description="Keeper of the lamp for eleven years. Fifty-two, and grey.")
ILSE = Card(id=2, name="Ilse", description="Observer and wireless operator.")
SCENE = Scene(speaker=MARA, present=(MARA, ILSE), persona="You", premise="The boat is late.", title="The lamp room")


def line(place: int, name: str, text: str) -> Line:
    return Line(place=place, speaker={"Mara": 1, "Ilse": 2}.get(name), name=name, text=text)


def script(lines: list[Line], tokens: int = 300) -> str:
    costs = [estimate_tokens(cue) for cue in cues(lines)]
    budget = Budget(prompt=tokens, reply=50)
    return compose_script(SCENE, lines, costs=costs, overhead=estimate_tokens(head(SCENE)), budget=budget).script


def test_it_reads_as_a_play_and_ends_with_the_speakers_name():
    lines = [line(1, "You", "“Who is *there*?”\n\nI wait."), line(2, "Ilse", "*softly* “Me.” *She sits.*")]

    assert script(lines) == (
        "A play in one act.\n\nThe lamp room. The boat is late.\n\n"
        "MARA, keeper of the lamp for eleven years. Fifty-two, and grey.\nILSE, observer and wireless operator.\n"
        "THE VISITOR.\n\nTHE VISITOR: Who is there?\nILSE: Me.\nMARA:"
    )


def test_a_cue_is_only_what_is_said_aloud_and_the_last_of_it():
    assert cues([line(1, "Ilse", "*I nod.* “First.” I turn. “Second.”")]) == ["First. Second."]
    assert cues([line(1, "You", "I *walk* in.")]) == ["I walk in."]
    long = "“" + "One two three four five. " * 20 + "The end.”"
    assert cues([line(1, "Ilse", long)])[0].endswith("five. The end.")
    assert len(cues([line(1, "Ilse", long)])[0].split()) <= 36


def test_a_line_becomes_a_turn_in_quotation_marks():
    assert as_speech("He is late.") == "“He is late.”"
    assert as_speech("“He is late.” She nods.") == "“He is late.” She nods."


def test_a_long_story_fits_the_small_models_page_and_keeps_the_newest():
    lines = [line(place, "Ilse", f"“Word {place} and more words than are needed here.”") for place in range(1, 100)]

    assert "Word 99" in script(lines)
    assert "Word 95" not in script(lines)
    assert estimate_tokens(script(lines, 90)) <= 90
