"""Who is there, and how they look, in a page that stands open."""

import io

from PIL import Image

from tests.model_server import say


def test_with_nobody_here_the_composer_says_so_and_a_line_is_still_kept(player):
    player.begin(("Mara",))
    assert player.page.inner_text(".send") == "Go on"
    player.page.click("#tab-cast")
    player.page.click(".cast >> text=Leaves")
    player.see("#next", "Nobody is here to answer.")
    player.until("document.querySelector('.send').textContent === 'Send'")
    player.page.click(".send")
    player.say("Is anybody here?")

    player.see(".turn.player", "Is anybody here?")
    assert not player.page.locator("#refusal").is_visible()
    assert not player.page.locator("#hearers").is_visible()
    player.page.click(".cast >> text=Enters")
    player.until("document.querySelector('.send').textContent === 'Go on'")
    assert player.turns() == ["Is anybody here?"]

    player.site.model.script(say("“I am now.”"))
    player.page.click(".send")
    player.see(".turn.said[data-turn]", "“I am now.”")


def test_a_new_portrait_shows_in_the_turns_that_stand_already(player):
    player.begin(("Mara",))
    player.site.model.script(say("“Here.”"))
    player.say("Mara?")
    player.see(".turn.said[data-turn]", "“Here.”")
    assert player.page.locator(".turn.said img.portrait").count() == 0
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(picture, "PNG")

    sheet = player.context.new_page()
    sheet.goto(f"/characters/{player.page.get_attribute('[data-character]', 'data-character')}/")
    sheet.set_input_files("#id_portrait", {"name": "m.png", "mimeType": "image/png", "buffer": picture.getvalue()})
    sheet.click("text=Save")

    player.see(".turn.said img.portrait")
