"""Whoever asks for a rewriting sees it being written, what goes with the old one, and how it ended."""

import json
import threading

import pytest
from playwright.sync_api import expect

from tests.browser.player import Player
from tests.browser.sight import violations
from tests.model_server import answer_json, say


def comes_in_sight(player: Player, selector: str) -> None:
    """Wait until all of it stands within the transcript's window."""
    player.until(
        f"(() => {{ const [box, window] = [document.querySelector({json.dumps(selector)}),"
        " document.getElementById('transcript')].map((each) => each.getBoundingClientRect());"
        " return box.top >= window.top - 1 && box.bottom <= window.bottom + 1; })()"
    )


@pytest.fixture
def long_interjection(player) -> str:
    """A reply after which somebody speaks up at length; the reply's turn."""
    player.begin()
    model = player.site.model
    model.answers["Interjection"] = answer_json({"interject": True, "who": "Ilse", "why": "She is named."})
    model.script(say("“I open it.”"), say("\n\n".join(f"“No,” she says, {n} times over." for n in range(14))))
    player.say("Mara?")
    player.see(".turn.said[data-turn]", "13 times over.")
    player.gone(".stop")
    player.is_at_the_end()
    return player.page.locator(".turn.said[data-turn]").first.get_attribute("data-turn")


@pytest.fixture
def half_rewritten(player) -> threading.Event:
    """The only reply of a story is being written anew; what lets it come to its end."""
    player.begin(names=("Mara",))
    player.exchange(("Mara?", "“I open it.”"))
    gate = threading.Event()
    player.site.model.script(say("“I burn it.”", gate=gate))
    player.ask_to_rewrite(player.page.locator(".turn.said[data-turn]").get_attribute("data-turn"))
    player.see(".turn.writing", "“")
    return gate


def test_the_new_writing_is_in_sight_of_whoever_asked_and_what_goes_with_the_old_is_dimmed(
    player, other, long_interjection
):
    other.open(player.chat)
    other.is_at_the_end()
    gate, model = threading.Event(), player.site.model
    model.script(say("Never. " + "And she burns it. " * 15, gate=gate), say("“Too late.”"))

    player.ask_to_rewrite(long_interjection)

    player.see(".turn.writing", "Never")
    comes_in_sight(player, ".turn.writing")
    assert player.page.locator(".turn.said.being-rewritten").count() == 2
    gate.set()
    player.see(".turn.said[data-turn]", "And she burns it.")
    comes_in_sight(player, ".turn.said[data-text^='Never']")
    player.see(".turn.said[data-turn]", "Too late.")
    player.gone(".stop")
    comes_in_sight(player, ".turn.said[data-text='“Too late.”']")
    assert player.page.locator(".being-rewritten").count() == 0
    other.see(".turn.said[data-turn]", "Too late.")
    other.is_at_the_end()


def test_a_reader_who_scrolls_away_from_the_new_writing_is_left_in_peace(player, long_interjection):
    gate = threading.Event()
    player.site.model.script(say("Never. And she burns it.", gate=gate))
    player.ask_to_rewrite(long_interjection)
    player.see(".turn.writing", "Never")

    player.page.mouse.move(640, 400)
    player.page.mouse.wheel(0, 4000)
    player.is_at_the_end()
    gate.set()

    player.see(".turn.said[data-turn]", "And she burns it.")
    player.gone(".stop")
    player.is_at_the_end()


def test_a_hand_on_the_page_does_not_throw_whoever_sees_the_new_writing_to_the_end(player, long_interjection):
    gate = threading.Event()
    player.site.model.script(say("Never. And she burns it.", gate=gate))
    player.ask_to_rewrite(long_interjection)
    player.see(".turn.writing", "Never")
    # A page that is loaded stands at its end.
    player.open()
    comes_in_sight(player, ".turn.writing")
    player.see("#jump")

    player.page.click(".turn.writing .text")
    # The page grows, so that it would follow.
    player.page.evaluate("document.getElementById('leaves').append(document.createElement('p'))")
    player.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    comes_in_sight(player, ".turn.writing")
    gate.set()
    player.see(".turn.said[data-turn]", "And she burns it.")


def test_stop_lets_the_old_writing_and_its_interjection_stand_out_again_and_says_where_the_part_is(
    player, long_interjection
):
    player.site.model.script(say("Never. And she burns it.", gate=threading.Event()))
    player.ask_to_rewrite(long_interjection)
    player.see(".turn.writing", "Never")

    player.page.keyboard.press("Escape")

    player.see(".toast", "Mara was stopped. The old writing stands; what was written is kept as ‹ 2/2 ›.")
    player.gone(".turn.writing")
    assert player.page.locator(".being-rewritten").count() == 0
    assert player.page.locator(".toast button[formaction]").count() == 0


def test_after_a_reload_in_mid_rewriting_its_end_is_told_once(player, half_rewritten):
    player.open()
    player.see(".turn.writing", "“")
    half_rewritten.set()

    assert player.see(".toast", "Rewritten.").locator("button", has_text="Undo").is_visible()
    player.open()
    player.see(".turn.said[data-turn]", "I burn it.")
    assert player.page.locator(".toast").count() == 0


def test_a_second_tab_that_is_opened_in_mid_rewriting_is_told_nothing(player, half_rewritten):
    second = player.context.new_page()
    second.goto(player.page.url)
    second.locator(".turn.writing", has_text="“").wait_for()

    half_rewritten.set()

    player.see(".toast", "Rewritten.")
    second.locator(".turn.said[data-turn]", has_text="I burn it.").wait_for()
    second.locator(".stop").wait_for(state="hidden")
    assert second.locator(".toast").count() == 0


def test_what_is_left_of_a_row_that_failed_is_told_to_nobody(player, other):
    player.begin(names=("Mara",))
    player.exchange(("Open it.", "“I open it.”"), ("Read it.", "“I read it.”"), ("Keep it.", "“I keep it.”"))
    replies = player.page.locator(".turn.said[data-turn]")
    first, last = (replies.nth(number).get_attribute("data-turn") for number in (0, 2))
    model = player.site.model
    model.script(say("“I burn it.”"))
    player.ask_to_rewrite(first)
    player.see(".toast", "Rewritten.")
    gate = threading.Event()
    model.script(say("   ", chunk=1, gate=gate))
    player.see(".turn[data-text='“I read it.”'] .anew").click()
    player.page.click("#slip button[type=submit]")
    player.gone("#slip[open]")
    gate.set()
    player.see(".failed")
    other.open(player.chat)
    model.script(say("“I leave it.”"))

    other.ask_to_rewrite(last)

    other.see(".toast", "Rewritten.")
    player.see(".turn.said[data-turn]", "I leave it.")
    player.gone(".stop")
    assert player.page.locator(".toast", has_text="Rewritten.").count() == 0


def test_without_scripts_the_page_loaded_afterwards_tells_its_end_and_takes_it_back(player, browser, kept_session):
    player.begin(names=("Mara",))
    player.exchange(("Mara?", "“I open it.”"))
    gate = threading.Event()
    player.site.model.script(say("“I burn it.”", gate=gate))
    looks = {"base_url": player.site.url, "java_script_enabled": False}
    with browser.new_context(storage_state=kept_session, **looks) as plain:
        page = plain.new_page()
        page.goto(f"/chats/{player.chat}/")
        page.locator(".turn.said [data-tool=rewrite]").click()
        page.click(".writing-desk button[type=submit]")
        assert page.locator(".toast").count() == 0
        gate.set()
        player.see(".turn.said[data-turn]", "I burn it.")

        page.goto(f"/chats/{player.chat}/")
        assert "Rewritten." in page.locator(".toast").inner_text()
        page.locator(".toast button", has_text="Undo").click()

        assert "I open it." in page.locator(".turn.said").inner_text()


@pytest.mark.parametrize("deed", ["rewrite", "edit"])
def test_a_slip_that_another_tab_outran_asks_about_what_stands_now_and_keeps_what_was_typed(player, other, deed):
    player.begin(names=("Mara",))
    player.exchange(("Mara?", "“I open it.”"))
    old = player.page.locator(".turn.said[data-turn]").get_attribute("data-turn")
    other.open(player.chat)
    other.page.locator(f"#turn-{old} [data-tool={deed}]").click()
    other.page.fill("#slip textarea", "colder")
    player.site.model.script(say("“I burn it.”"))
    player.ask_to_rewrite(old)
    other.see(".turn.said[data-turn]", "I burn it.")

    other.page.click("#slip button[type=submit]")

    other.see("#slip .toast.error", "another writing stands in its place now")
    new = other.page.locator(".turn.said[data-turn]").get_attribute("data-turn")
    other.see(f"#slip form[action$='/turns/{new}/{'edit' if deed == 'edit' else 'regenerate'}/']")
    expect(other.page.locator("#slip textarea")).to_have_value("colder")
    assert violations(other.page) == []
    other.site.model.script(say("“I leave it.”"))
    other.page.click("#slip button[type=submit]")
    other.gone("#slip[open]")
    other.see(".turn.said[data-turn]", "colder" if deed == "edit" else "I leave it.")


def test_a_slip_about_a_turn_that_was_deleted_goes(player, other):
    player.begin(names=("Mara",))
    player.exchange(("Mara?", "“I open it.”"))
    other.open(player.chat)
    other.page.locator(".turn.said [data-tool=rewrite]").click()
    other.see("#slip h1")
    player.page.locator(".turn.said [data-tool=delete]").click()
    other.gone(".turn.said")

    other.page.click("#slip button[type=submit]")

    other.see(".toast.error", "This turn was deleted.")
    other.gone("#slip[open]")


def test_on_a_phone_the_field_that_has_the_focus_is_not_beneath_the_buttons(player):
    seeded = player.site.manage("seed_demo", "--again")
    player.page.set_viewport_size({"width": 390, "height": 844})
    player.open(int(seeded.rpartition("(chat ")[2].split(")")[0]))

    player.page.locator(".turn.said[data-turn]:not(:has(.how)) [data-tool=rewrite]").last.click()

    expect(player.see("#guidance")).to_be_focused()
    player.until(
        "document.querySelector('#guidance').getBoundingClientRect().bottom"
        " < document.querySelector('#slip .ends').getBoundingClientRect().top"
    )
