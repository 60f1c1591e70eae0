from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from chat.llm.client import estimate_tokens
from chat.story.payloads import Card
from chat.turns.prompts import RUN, Budget, Line, Scene, compose_chat, instructions

MARA = Card(id=1, name="Mara", description="keeper of the lamp", personality="dry", greeting="“Late.”")
ILSE = Card(id=2, name="Ilse", description="the harbour master's daughter", personality="knows of the letter")
SCENE = Scene(speaker=MARA, present=(MARA, ILSE), persona="You", premise="The boat is late.", title="The lamp room")
BUDGET = Budget(prompt=1000, reply=200)


def line(place: int, name: str = "You", text: str = "Well?") -> Line:
    return Line(place=place, speaker={"Mara": 1, "Ilse": 2}.get(name), name=name, text=text)


def chat_prompt(lines, budget=BUDGET):
    costs = [estimate_tokens(one.text) for one in lines]
    return compose_chat(SCENE, lines, costs=costs, overhead=estimate_tokens(instructions(SCENE, budget)), budget=budget)


def test_the_speakers_own_turns_are_the_assistants_and_all_others_bear_names():
    prompt = chat_prompt([line(1), line(2, "Mara", "“Hm.”"), line(3, "Ilse", "“Read it.”"), line(4)])

    assert [(message.role, message.content) for message in prompt.messages[1:]] == [
        ("user", "You: Well?"),
        ("assistant", "“Hm.”"),
        ("user", "Ilse: “Read it.”\n\nYou: Well?"),
    ]


def test_another_characters_inner_life_is_not_in_the_prompt():
    assert "knows of the letter" not in instructions(SCENE, BUDGET)
    assert "dry" in instructions(SCENE, BUDGET)


def test_a_prompt_never_ends_with_the_speakers_own_words():
    prompt = chat_prompt([line(1), line(2, "Mara", "“Hm.”")])

    assert prompt.messages[-1].role == "user"
    assert chat_prompt([]).messages[-1].role == "user"


def test_every_other_name_ends_a_reply():
    assert chat_prompt([line(1)]).stop == ("\nIlse:", "\nYou:")


@given(st.lists(st.text("ab ", min_size=1, max_size=400), min_size=1, max_size=60), st.integers(300, 2000))
def test_a_prompt_fits_its_budget_and_keeps_the_newest_turn(texts, tokens):
    lines = [line(place, "You" if place % 2 else "Ilse", text) for place, text in enumerate(texts, start=1)]

    prompt = chat_prompt(lines, Budget(prompt=tokens, reply=100))

    kept = prompt.messages[-1].content
    assert kept.endswith(texts[-1])
    others = sum(estimate_tokens(message.content) for message in prompt.messages)
    assert others <= max(tokens, estimate_tokens(instructions(SCENE, BUDGET)) + estimate_tokens(texts[-1]) + 40)


def test_even_the_longest_sheets_and_turns_fit():
    long = "A sentence of some words. " * 2000
    sheet = {"description": long, "personality": long, "scenario_note": long, "example_dialogue": long}
    cast = tuple(Card(id=number, name=f"Name{number}", **sheet) for number in range(1, 6))
    scene = Scene(speaker=cast[0], present=cast, persona="You", persona_description=long, premise=long)
    overhead = estimate_tokens(instructions(scene, BUDGET))

    prompt = compose_chat(scene, [line(1, text=long)], costs=[estimate_tokens(long)], overhead=overhead, budget=BUDGET)

    assert sum(estimate_tokens(message.content) for message in prompt.messages) <= BUDGET.prompt


def test_a_reply_may_not_speak_for_the_absent_either():
    scene = replace(SCENE, absent=("Tom",))

    assert scene.others == ("Ilse", "You", "Tom")
    assert "Tom" not in instructions(scene, BUDGET)


def test_the_beginning_stays_the_same_while_a_run_of_turns_comes_and_goes():
    lines = [line(place, "Ilse" if place % 2 else "Mara", "word " * 30) for place in range(1, 200)]

    starts = {chat_prompt(lines[:length]).messages[1].content for length in range(100, 100 + RUN * 2)}

    assert len(starts) <= 3
