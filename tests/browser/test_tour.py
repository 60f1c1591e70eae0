"""Five minutes with the demo story: every step of its card, as it is told there."""

import pytest

from tests.browser.player import Player
from tests.browser.sight import faults
from tests.model_server import answer_json, say

FORGET = "from chat.pages.models import Preference; Preference.objects.all().delete()"


@pytest.fixture
def demo(player: Player) -> Player:
    """A copy of the demo story of one's own, opened by somebody who has not put the card away."""
    player.site.manage("shell", "-v0", "-c", FORGET)
    told = player.site.manage("seed_demo", "--again")
    player.open(int(told.split("chat ")[1].split(")")[0]))
    return player


def done(player: Player, steps: int) -> None:
    player.see("#tour small", f"{steps} of 4")


LETTER = "Read the harbour master’s letter aloud"


def test_every_step_of_the_card_works_as_it_is_told(demo):
    say_a_line(demo)
    done(demo, 1)

    rewrite_the_last_reply(demo)
    done(demo, 2)
    demo.see(".afoot > li.active", LETTER)

    bring_it_back(demo)
    done(demo, 3)
    demo.see(".afoot > li.completed", LETTER)

    address_two(demo)
    demo.see("#tour.over", "That is all of it. The night is yours.")
    assert demo.page.locator("#tour li").count() == 0

    demo.open()
    assert demo.page.locator("#tour").is_hidden()


def say_a_line(demo: Player) -> None:
    demo.site.model.script(say("“Then we have six minutes.”"))
    with demo.until_nobody_speaks_up():
        demo.say("I look at the clock.")
    demo.see(".turn.said[data-turn]", "Then we have six minutes.")


def rewrite_the_last_reply(demo: Player) -> None:
    demo.see(".afoot > li.completed", LETTER)
    demo.site.model.script(say("“Bread,” she says, and no more."))
    link = demo.page.locator("#tour a[data-turn-link]")
    link.click()
    demo.page.locator(f"#turn-{link.get_attribute('data-turn-link')} [data-tool=rewrite]").click()
    demo.see("#slip", "2 memories, 1 story event, 1 milestone and 1 interjection will go with it")
    demo.page.click("#slip button[type=submit]")


def bring_it_back(demo: Player) -> None:
    rewritten = demo.page.locator(".turn", has_text="and no more.")
    rewritten.locator(".variants", has_text="3/3").wait_for()
    rewritten.locator("[data-tool=earlier]").click()
    demo.page.locator("#slip button", has_text="Bring this one back").click()


def address_two(demo: Player) -> None:
    demo.site.model.answers["Interjection"] = answer_json({"interject": True, "who": "Mara", "why": "She is named."})
    demo.site.model.script(say("“Lit.”"), say("“Aye.”"))
    demo.say("Ilse, write: lit. Mara, keep it wound.")
    demo.see(".turn.said[data-turn]", "Aye.")


def test_the_demo_is_for_everybody(demo):
    demo.see("#facts .afoot > li")

    assert faults(demo.page) == {}


def test_the_card_is_put_away_and_stays_away(demo):
    demo.page.get_by_role("button", name="Put this card away").click()
    demo.page.locator("#tour").wait_for(state="hidden")

    demo.open()

    assert demo.page.locator("#tour").is_hidden()
