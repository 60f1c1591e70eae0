"""Taking back in a real browser: the note that offers Undo, and the list of what was deleted."""

from typing import Any

import pytest

from tests.browser.player import Player
from tests.browser.sight import faults, violations
from tests.model_server import say

PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}


def played(player: Player) -> None:
    player.begin(names=("Mara",))
    player.site.model.script(say("“Aye.”"))
    player.page.fill("#words", "Mara?")
    player.page.click(".send")
    player.see(".turn.said[data-turn]", "“Aye.”")
    player.gone(".stop")


def delete(player: Player, who: str) -> None:
    player.page.locator(f".turn.{who} [data-tool=delete]").click()
    player.gone(f".turn.{who}")


def box(player: Player, selector: str) -> Any:
    return player.page.locator(selector).bounding_box()


@pytest.fixture(params=["wide", "phone"])
def sized(request, browser, shared_site, kept_session):
    player = Player(browser, shared_site, kept_session, **(PHONE if request.param == "phone" else {}))
    yield player
    player.context.close()
    assert player.wrong == []


def test_a_note_hides_nothing_and_stays_until_the_player_goes_on(sized):
    played(sized)
    delete(sized, "said")

    sized.see(".toast", "The turn is deleted.")
    story, note, composer = box(sized, "#transcript"), box(sized, ".toast"), box(sized, "#composer")
    assert story["y"] + story["height"] <= note["y"]
    assert note["y"] + note["height"] <= composer["y"]
    # Whoever listens is told of each note once, not of all of them again.
    assert sized.page.locator("#toasts[role=status][aria-atomic=false]").count() == 1
    assert violations(sized.page) == []

    delete(sized, "player")
    sized.see(".toast", "The turn is deleted.")
    assert sized.page.locator(".toast").count() == 1
    sized.page.fill("#words", "Never mind.")
    sized.page.click(".send")
    sized.see(".turn.player", "Never mind.")
    sized.gone(".toast")


def test_deleted_turns_are_brought_back_from_the_panel(sized):
    played(sized)
    delete(sized, "player")
    if sized.page.viewport_size["width"] < 760:
        sized.page.click("[data-opens=known]")
    sized.page.get_by_role("link", name="1 deleted turn").click()
    sized.see("#slip", "Mara?")
    assert violations(sized.page) == []
    sized.page.locator("#slip").get_by_role("button", name="Bring back").click()

    sized.gone("#slip[open]")
    # On a phone the panel is still open, and the note stands in it.
    assert sized.see(".toast", "The turn is back.").is_visible()
    sized.page.get_by_role("link", name="deleted turn").wait_for(state="detached")
    for turn in (".turn.player", ".turn.said"):
        sized.page.locator(turn).wait_for(state="attached")
    assert sized.turns() == ["Mara?", "“Aye.”"]


def test_a_deleted_turn_is_brought_back_without_scripts(browser, shared_site, kept_session):
    player = Player(browser, shared_site, kept_session)
    played(player)
    plain = browser.new_context(storage_state=kept_session, base_url=shared_site.url, java_script_enabled=False)
    page = plain.new_page()
    page.goto(f"/chats/{player.chat}/")
    page.locator(".turn.player [data-tool=delete]").click()
    page.goto(f"/chats/{player.chat}/info/")
    page.get_by_role("link", name="1 deleted turn").click()
    page.get_by_role("button", name="Bring back").click()

    assert page.locator(".turn").count() == 2
    assert "The turn is back." in page.locator(".toast").inner_text()
    for context in (plain, player.context):
        context.close()


def test_the_list_of_deleted_turns_is_for_everybody(player):
    played(player)
    delete(player, "player")
    player.page.goto(f"/chats/{player.chat}/turns/deleted/")

    assert faults(player.page) == {}


def test_a_turn_that_comes_back_takes_the_marks_away_that_its_going_had_left(player):
    player.begin(names=("Mara",))
    player.exchange(("Mara?", "“Aye.”"), ("And then?", "“Nothing.”"))
    player.page.locator(".turn[data-text='“Aye.”'] [data-tool=delete]").click()
    player.see(".turn.said .older-than", "Written before this was changed")

    player.page.locator(".toast button", has_text="Undo").click()

    player.see(".turn", "“Aye.”")
    player.gone(".turn .older-than")
