"""While a model decides who speaks up, the player sees it and can end it."""

from playwright.sync_api import expect

from tests.model_behaviours import nothing
from tests.model_server import say

ASKED = "Is anyone else about to speak?"


def test_who_is_asked_is_shown_and_stop_ends_the_asking(player):
    player.begin()
    player.site.model.answers["Interjection"] = nothing()
    player.site.model.script(say("“I open it.”"), say("“I read it.”"))
    player.say("Mara?")
    expect(player.see("#status", ASKED)).to_have_text(f"{ASKED} Ilse…")

    player.page.click(".stop")

    player.gone(".stop")
    expect(player.page.locator("#status")).to_have_text("Mara has spoken.")
    assert player.turns() == ["Mara?", "“I open it.”"]

    player.say("And then, Mara?")
    player.see("#status", f"{ASKED} Ilse…")
    player.open()
    expect(player.page.locator("#status")).to_have_text(ASKED)
    player.page.keyboard.press("Escape")
    player.gone(".stop")
    assert player.turns()[-1] == "“I read it.”"
