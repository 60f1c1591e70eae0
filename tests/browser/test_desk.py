"""The desk in a real browser: from a wedge to a lane that goes on, by keyboard alone; by everybody; live."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.player import FIRST, Player
from tests.browser.sight import faults
from tests.model_server import say
from tests.site import Site

#: Fails on turns that begin with "poison".
GATED = "tests.agent.readers.Gated"


@pytest.fixture(scope="module")
def shared_site(new_site: Any) -> Iterator[Site]:
    site = new_site()
    site.environment |= {
        "PALIMPSEST_SUBSCRIBERS": GATED,
        "PALIMPSEST_TEST_GATES": str(site.var),
        "PALIMPSEST_RETRY_FIRST_SECONDS": "0",
        "PALIMPSEST_RETRY_LONGEST_SECONDS": "0",
        # Readers that need no model: what they make of a story is not the matter here.
        "PALIMPSEST_READER": "words",
    }
    try:
        yield site.start()
    finally:
        site.close()
        site.valkey.stop()
        site.model.__exit__(None, None, None)


@pytest.fixture
def stuck(player: Player) -> int:
    """A chat of the owner's whose lane of the Reaction `gated` is wedged, with more behind it."""
    player.site.manage("run_reactions", "--once")
    chat = player.begin(names=("Mara",))
    player.exchange(("poison in the well", "“Yes.”"), ("After that", "“Yes.”"))
    for _ in range(2):
        player.site.manage("run_reactions", "--once")
    return chat


def tab_to(page: Any, words: str) -> None:
    """Press Tab until what has the focus says so."""
    for _ in range(80):
        page.keyboard.press("Tab")
        at = page.evaluate("(document.activeElement.innerText || document.activeElement.id || '').trim()")
        if re.search(words, at):
            return
    raise AssertionError(f"Tab never comes to {words!r}")


def lane_of(page: Any) -> str:
    return page.locator("#trouble .chip").first.inner_text()


def test_a_wedged_lane_is_found_dismissed_and_goes_on_by_keyboard_alone(player, stuck):
    page = player.page
    page.goto("/admin/")

    tab_to(page, "lane is wedged|lanes are wedged")
    page.keyboard.press("Enter")
    player.see("#trouble", "before event")
    tab_to(page, "Dismiss event")
    page.keyboard.press("Enter")
    player.see("h1", "Dismiss event")
    tab_to(page, "^reason$")
    page.keyboard.type("Nobody can read this.")
    tab_to(page, "Dismiss event")
    page.keyboard.press("Enter")

    player.see(".messagelist", "is on record as decision")
    player.site.manage("run_reactions", "--once")
    player.see("#trouble .chip", "Live")
    page.goto("/admin/")
    player.see("h1", "subscribers are live")


def test_every_page_of_the_desk_is_for_everybody(player, stuck):
    page = player.page
    page.goto("/admin/")
    page.click("h1.sentence a")
    lane = page.url
    dismiss, pause = (page.get_attribute(link, "href") for link in ("#to-dismiss", "#pause"))
    page.click("#attempts + .scrolls tbody a")
    pages = ["/admin/", page.url, lane, dismiss, pause]
    pages += [
        f"/admin/agent/{one}/" for one in ("subscriber", "subscriber/gated/change", "bookmark", "attempt/failures")
    ]
    pages += [f"/admin/agent/{one}/" for one in ("auditentry", "apitoken", "apitoken/add", "desk/cautions")]
    turn = page.request.get(f"/chats/{stuck}/turns/").json()[-1]["id"]
    pages += [f"/admin/chat/turn/{one}" for one in ("", f"{turn}/change/", f"{turn}/regenerate/")]
    for address in pages:
        page.goto(address)
        assert faults(page) == {}, address
        page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(dismiss)
    page.fill("#reason", "Once more")
    page.click("button.danger")
    player.see(".messagelist", "is on record")


@pytest.fixture
def answered(player: Player) -> int:
    """A reply in a chat of the owner's; its turn."""
    player.site.model.script(say("“Yes, keeper.”"))
    # Nobody else is there who might speak up, and so keep the story busy.
    player.begin(("Mara",))
    player.say("Is it you?")
    turn = int(player.see(".turn.said[data-turn]", "“Yes, keeper.”").get_attribute("data-turn"))
    player.gone(".stop")
    return turn


def test_a_turn_is_regenerated_watched_compared_and_restored(player, answered, gate):
    page = player.page
    page.goto("/admin/chat/turn/")
    page.check(f".action-select[value='{answered}']")
    page.select_option("select[name=action]", "regenerate")
    page.click("button[name=index]")
    page.fill("#reason", "Out of character")
    page.fill("#guidance", "colder")
    page.click("form.act button.primary")
    player.see("#writing", "Mara is speaking")
    player.see("#writing .under-way", FIRST)
    gate.set()

    player.see("#writing", "The new writing stands in the story")
    assert page.locator("#announce").inner_text() == "The new writing was finished"
    player.see("#writing del", "keeper")
    player.see("#writing ins", "letter")
    assert faults(page) == {}
    page.click("#to-restore")
    page.fill("#reason", "It was better")
    page.click("form.act button.primary")
    player.see(".messagelist", "is on record as decision")
    page.click("#to-history")
    player.see(".rows", "It was better")
    player.open()
    assert player.turns()[-1] == "“Yes, keeper.”"


def test_without_scripts_a_turn_is_regenerated_too(player, answered, gate, browser, kept_session):
    plain = Player(browser, player.site, kept_session, java_script_enabled=False)
    plain.page.goto(f"/admin/chat/turn/{answered}/regenerate/")
    plain.page.fill("#reason", "Out of character")
    plain.page.click("form.act button.primary")
    plain.see("#writing", "Mara is speaking")
    plain.see("text=Look again")
    gate.set()

    for _ in range(100):
        # Where nothing can be awaited people press the link.
        plain.see("text=/Look again|stands in the story/")
        plain.page.reload()
        if plain.page.locator("#writing", has_text="stands in the story").count():
            break
    plain.see("#writing", "The new writing stands in the story")
    plain.context.close()


def test_the_desk_says_when_the_server_is_away(player):
    page = player.page
    page.goto("/admin/")
    player.see(".checked", "checked")

    player.context.set_offline(True)
    player.see(".checked.stale", "stale")
    assert "stale" in page.locator("#announce").inner_text()
    player.context.set_offline(False)

    player.gone(".checked.stale")


def test_the_fire_drill_is_a_real_wedge(player):
    page = player.page
    # A worker has been here before: it reads what happens from now on.
    player.site.manage("run_reactions", "--once")
    page.goto("/admin/")
    page.click("text=Start a fire drill")
    player.see(".messagelist", "The drill has begun")
    player.gone("text=Start a fire drill")
    for _ in range(2):
        player.site.manage("run_reactions", "--once")

    player.see("h1.sentence a", "1 lane is wedged")
    page.click("h1.sentence a")
    player.see("#trouble", "This is a fire drill")
    page.click("#to-dismiss")
    page.fill("#reason", "A drill")
    page.click("button.danger")

    player.see(".messagelist", "is on record")
    page.click("#to-history")
    player.see(".rows", "A drill")
