"""Beside the story as it is told: a meanwhile in a browser, and another way that branches off."""

import threading
from typing import Any

from playwright.sync_api import expect

from tests.browser.player import Player
from tests.browser.sight import violations
from tests.model_server import say

#: By how many pixels the line about the reading, which is drawn anew all the time, lies below what was said elsewhere.
CLEAR_OF_THE_PAPER = """document.getElementById('reading-line').getBoundingClientRect().top
- document.querySelector('.turn.meanwhile[data-turn]').getBoundingClientRect().bottom"""
MASTS = "*Tom counts the masts.* “Eleven,” he says."


def leave(player: Player, *names: str) -> None:
    player.page.get_by_role("tab", name="Cast").click()
    for name in names:
        player.page.get_by_role("button", name=f"{name} leaves the scene").click()
        player.see("li.away", name)


def fill_in_a_meanwhile(player: Player, *, turns: int) -> Any:
    """Mara stays with the player, and the form in the scene's pane is filled in for the other two; the form."""
    player.begin(names=("Mara", "Ilse", "Tom"))
    leave(player, "Ilse", "Tom")
    player.page.get_by_role("tab", name="Scene").click()
    pane = player.page.locator("#pane-scene")
    pane.get_by_text("Meanwhile, elsewhere…").click()
    form = pane.locator("form", has_text="They talk among themselves.")
    form.get_by_label("What happens, and where").fill("at the harbour, Tom counts the masts")
    form.get_by_label("How many turns").fill(str(turns))
    return form


def test_two_who_are_away_talk_word_by_word_until_they_are_stopped(player):
    first, second = threading.Event(), threading.Event()
    player.site.model.script(say(MASTS, gate=first), say("“Twelve. I counted them.”", gate=second))
    form = fill_in_a_meanwhile(player, turns=3)
    for name, is_away in (("Mara", False), ("Ilse", True), ("Tom", True)):
        expect(form.get_by_label(name)).to_be_checked(checked=is_away)

    form.get_by_label("Tom").uncheck()
    form.get_by_role("button", name="Let them talk").click()
    player.see(".toast.error", "two characters")
    form.get_by_label("Tom").check()
    form.get_by_role("button", name="Let them talk").click()
    writing = player.see(".turn.writing.meanwhile", "Tom")
    player.gone(".toast.error")
    expect(writing).to_contain_text("at the harbour, Tom counts the masts")
    first.set()
    told = player.see(".turn.meanwhile[data-turn]", "“Eleven,” he says.")
    player.see(".turn.meanwhile[data-turn] + .turn.writing.meanwhile", "“Twelve.")
    player.page.keyboard.press("Escape")

    player.see(".turn.meanwhile.stopped[data-turn]", "Stopped")
    player.gone(".stop")
    second.set()
    assert len(player.turns()) == 2, "Stop ends all of it"
    expect(told).to_contain_text("at the harbour, Tom counts the masts")
    expect(told).to_contain_text("Only Ilse and Tom will know of this.")
    assert violations(player.page) == []


def test_they_go_on_when_they_are_asked_to_and_who_was_not_there_knows_nothing_of_it(player):
    player.site.model.script(say(MASTS), say("“There is a light.”"), say("“Put it out.”"), say("“Here I am.”"))
    fill_in_a_meanwhile(player, turns=1).get_by_role("button", name="Let them talk").click()
    told = player.see(".turn.meanwhile[data-turn]", "Eleven")
    player.gone(".stop")
    player.see("#reading-line", "readers done")
    assert player.page.evaluate(CLEAR_OF_THE_PAPER) >= 8, "what is being read is said clear of the border"

    told.hover()
    told.get_by_role("button", name="Let them go on").click()
    player.see(".turn.meanwhile[data-turn]", "There is a light.")
    player.see(".turn.meanwhile[data-turn]", "Put it out.")
    player.gone(".stop")

    asked = len(player.site.model.requests)
    player.say("Mara?")
    player.see(".turn.said[data-turn]", "Here I am.")
    assert all("Eleven" not in request.prompt_text for request in player.site.model.requests[asked:])


def test_what_was_said_elsewhere_is_rewritten_in_its_place_and_looks_like_it(player):
    player.site.model.script(say(MASTS), say("“Here I am.”"))
    fill_in_a_meanwhile(player, turns=1).get_by_role("button", name="Let them talk").click()
    told = player.see(".turn.meanwhile[data-turn]", "Eleven")
    player.gone(".stop")
    player.say("Mara?")
    player.see(".turn.said[data-turn]", "Here I am.")
    player.gone(".stop")
    gate = threading.Event()
    player.site.model.script(say("“Nine masts, no more.”", gate=gate))

    told.locator("[data-tool=rewrite]").click()
    player.page.click("#slip button[type=submit]")

    writing = ".turn.meanwhile[data-turn] + .turn.writing.meanwhile"
    player.see(writing, "“Nine")
    player.open()
    player.see(writing, "“Nine")
    gate.set()
    player.see(".turn.meanwhile[data-turn]", "Nine masts")
    assert player.turns() == ["“Nine masts, no more.”", "Mara?", "“Here I am.”"]


def test_a_branch_begins_as_the_story_stood_and_both_link_to_each_other(player):
    player.begin(names=("Mara",))
    player.exchange(("Open it.", "“I open it.”"), ("Read it.", "“I read it.”"))
    before, origin = player.turns(), player.chat
    said = player.page.locator(".turn.said[data-turn]").first
    said.hover()

    said.get_by_role("button", name="Branch the story from here: Mara").click()

    player.see(".toast", "This is a branch of “Night watch”.")
    player.page.wait_for_selector(".transcript.held")
    assert f"/chats/{origin}/" not in player.page.url
    assert player.turns() == before[:2]
    expect(player.page.locator(".branches")).to_contain_text("Branched from Night watch")
    assert violations(player.page) == []

    player.site.model.script(say("“I burn it.”"))
    player.say("Burn it.")
    player.see(".turn.said[data-turn]", "I burn it.")
    player.page.locator(".branches").get_by_role("link", name="Night watch").click()
    player.page.wait_for_selector(".transcript.held")
    assert player.turns() == before, "what is done in a branch changes nothing in the story"
    player.page.locator(".branches").get_by_role("link", name="Night watch · branch 1").click()
    player.page.wait_for_selector(".transcript.held")
    assert player.turns()[-1] == "“I burn it.”"
