"""Rewriting the past in a real browser: in every tab, with focus and scroll kept, on phones, and without scripts."""

import threading

from playwright.sync_api import expect

from tests.browser.player import Player
from tests.browser.sight import violations
from tests.model_server import answer_json, say

ROUNDS = 12


def played(player: Player) -> list[str]:
    """So many exchanges; the ids of the replies."""
    player.begin(names=("Mara",))
    player.site.model.default = say("“Aye.” *She turns the lamp.* And she says nothing more of it for a long while.")
    for number in range(1, ROUNDS + 1):
        player.say(f"Question {number}?")
        player.until(f"document.querySelectorAll('.turn.said[data-turn]').length === {number}")
        player.gone(".turn.writing")
    return player.page.locator(".turn.said[data-turn]").evaluate_all("turns => turns.map(turn => turn.dataset.turn)")


def test_rewriting_an_older_reply_swaps_it_in_place_in_every_tab(player, other):
    replies = played(player)
    old = replies[-3]
    other.open(player.chat)
    gate = threading.Event()
    player.site.model.script(say("“Never.” And that is all.", gate=gate))
    other.page.locator(f"#turn-{old} [data-tool=copy]").focus()
    other.page.evaluate("document.getElementById('transcript').scrollTop -= 60")
    before = other.page.evaluate("document.getElementById('transcript').scrollTop")
    other.page.evaluate(
        "window.added = []; new MutationObserver((all) => all.forEach((one) => one.addedNodes.forEach((node) =>"
        " node.matches?.('.turn:not([aria-hidden])') && added.push(node.dataset.text))))"
        ".observe(document.getElementById('leaves'), {childList: true})"
    )

    player.ask_to_rewrite(old, "shorter")
    other.see(".turn.writing", "“")
    gate.set()

    for tab in (player, other):
        tab.see(".turn.said[data-turn]", "And that is all.")
        tab.gone(".turn.writing")
        assert tab.page.locator(f"#turn-{old}").count() == 0
        texts = tab.turns()
        assert texts[-5] == "“Never.” And that is all."
        assert len(texts) == 2 * ROUNDS
    assert other.page.evaluate("added") == ["“Never.” And that is all."]
    assert other.page.evaluate("document.activeElement.dataset.tool") == "copy"
    assert abs(other.page.evaluate("document.getElementById('transcript').scrollTop") - before) < 2
    player.see(".toast", "Rewritten.")
    assert other.page.locator(".toast").count() == 0
    other.see(".outdated .older-than", "Written before this was changed: Mara’s turn, rewritten")


def test_what_was_changed_is_a_link_away_from_what_was_written_before(player):
    player.begin(names=("Mara",))
    player.exchange(("Open it.", "“I open it.”"), ("Read it.", "“I read it.”"))

    player.page.locator(".turn.said [data-tool=edit]").first.click()
    player.page.fill("#edited", "“I burn it.”")
    player.page.click("#slip button[type=submit]")

    line = player.see(".outdated .older-than", "Written before this was changed: Mara’s turn, edited")
    line.get_by_role("link", name="Mara’s turn").click()
    linked = player.see(".turn.linked", "I burn it.")
    linked.get_by_role("link", name="edited by hand: compare the writings").click()
    player.see("#slip", "Edited by owner,")
    assert violations(player.page) == []


def test_undo_brings_the_older_writing_back(player):
    old = played(player)[-1]
    player.site.model.script(say("“Never.”"))
    player.ask_to_rewrite(old)
    player.see(".turn.said[data-turn]", "“Never.”")

    player.page.locator(".toast button", has_text="Undo").click()

    player.see(f"#turn-{old}")
    assert player.turns()[-1].startswith("“Aye.”")
    player.see(f"#turn-{old} .variants", "1/2")


def test_stop_in_the_middle_of_a_rewriting_keeps_the_original(player, gate):
    player.begin(names=("Mara",))
    gate.set()
    player.say("Mara?")
    player.see(".turn.said[data-turn]")
    old = player.page.locator(".turn.said[data-turn]").last.get_attribute("data-turn")
    second = threading.Event()
    player.site.model.script(say("Another way of it", gate=second))

    player.ask_to_rewrite(old)
    player.see(".turn.writing", "Another")
    player.open()
    player.see(".turn.writing", "Another")
    player.page.keyboard.press("Escape")

    player.gone(".turn.writing")
    second.set()
    player.see(f"#turn-{old} .variants", "1/2")


def test_whoever_speaks_up_anew_is_heard_below_the_rewritten_reply(player):
    player.begin()
    model, yes = player.site.model, {"interject": True, "who": "Ilse", "why": "She is named."}
    model.answers["Interjection"] = answer_json(yes)
    model.script(say("“I open it.”"), say("“No!”"))
    player.say("Mara?")
    player.see(".turn.said[data-turn]", "“No!”")
    player.gone(".stop")
    model.answers["Interjection"] = answer_json({**yes, "interject": False})
    model.script(say("“Too late.”"))
    with player.until_nobody_speaks_up():
        player.say("And then?")
    player.gone(".stop")
    model.answers["Interjection"] = answer_json(yes)
    gate = threading.Event()
    model.script(say("“I burn it.”"), say("“Never burn it!”", gate=gate))

    player.ask_to_rewrite(player.page.locator(".turn.said[data-turn]").first.get_attribute("data-turn"))

    below = ".turn[data-text='“I burn it.”'] + .turn.writing"
    expect(player.see(below, "“Never").locator(".how")).to_have_text("interjects")
    player.open()
    expect(player.see(below, "“Never").locator(".how")).to_be_visible()
    gate.set()
    player.see(".turn.said[data-turn]", "“Never burn it!”")
    player.gone(".turn.writing")
    assert player.turns() == ["Mara?", "“I burn it.”", "“Never burn it!”", "And then?", "“Too late.”"]


def test_rewriting_from_here_on_says_what_will_go_and_what_went(player):
    player.begin()
    model, yes = player.site.model, {"interject": True, "who": "Ilse", "why": "She is named."}
    no = {**yes, "interject": False}
    model.answers["Interjection"] = answer_json(no)
    model.script(say("“I open it.”"))
    with player.until_nobody_speaks_up():
        player.say("Mara?")
    player.gone(".stop")
    model.answers["Interjection"] = answer_json(yes)
    model.script(say("“I burn it.”"), say("“No!”"))
    player.say("Mara, and then?")
    player.see(".turn.said[data-turn]", "“No!”")
    player.gone(".stop")
    model.answers["Interjection"] = answer_json(no)
    model.script(say("“I leave it.”"), say("“I read it.”"))
    player.ask_to_rewrite(player.page.locator(".turn.said[data-turn]").first.get_attribute("data-turn"))

    player.see(".turn[data-text='“I burn it.”'] .anew").click()
    player.see("#slip .goes", "1 interjection will go with it")
    player.page.click("#slip button[type=submit]")

    player.see(".toast", "Rewritten. 1 interjection went with it.")
    player.gone(".turn[data-text='“No!”']")
    assert player.turns() == ["Mara?", "“I leave it.”", "Mara, and then?", "“I read it.”"]


def test_writings_are_compared_and_brought_back_on_a_phone(browser, shared_site, kept_session):
    looks = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
    player = Player(browser, shared_site, kept_session, **looks)
    player.begin(names=("Mara",))
    player.site.model.script(say("“I open it.”"), say("“I burn it.”"))
    player.page.fill("#words", "Mara?")
    player.page.locator(".send").tap()
    player.see(".turn.said[data-turn]", "I open it.")
    player.ask_to_rewrite(player.page.locator(".turn.said[data-turn]").last.get_attribute("data-turn"))
    player.see(".turn.said[data-turn]", "I burn it.")

    # Those that are shown: what a turn does not offer is hidden.
    shown = "tools.filter((tool) => tool.getClientRects().length)"
    heights = f"tools => {shown}.map((tool) => tool.getBoundingClientRect().height)"
    tools = player.page.locator(".turn[data-turn] .tools :is(a, button)")
    assert min(tools.evaluate_all(heights)) >= 44
    player.page.locator(".turn.said [data-tool=earlier]").tap()
    player.see("#slip del", "open")
    player.see("#slip ins", "burn")
    assert player.page.evaluate("document.documentElement.scrollWidth") == 360
    player.page.locator("#slip button", has_text="Bring this one back").tap()

    player.see(".turn.said[data-turn]", "I open it.")
    assert player.page.locator(".turn.said", has_text="I burn it.").count() == 0
    player.context.close()
    assert player.wrong == []


def test_rewriting_works_without_scripts(browser, shared_site, kept_session):
    player = Player(browser, shared_site, kept_session)
    player.begin(names=("Mara",))
    player.site.model.script(say("“I open it.”"), say("“I burn it.”"))
    player.say("Mara?")
    player.see(".turn.said[data-turn]", "I open it.")
    plain = browser.new_context(storage_state=kept_session, base_url=shared_site.url, java_script_enabled=False)
    page = plain.new_page()
    page.goto(f"/chats/{player.chat}/")
    page.locator(".turn.said [data-tool=rewrite]").click()
    page.fill("#guidance", "colder")
    page.click(".writing-desk button[type=submit]")

    player.see(".turn.said[data-turn]", "I burn it.")
    page.goto(f"/chats/{player.chat}/")
    page.locator(".turn.said [data-tool=earlier]").click()
    page.locator("button", has_text="Bring this one back").click()
    assert "This writing stands again." in page.locator(".toast").inner_text()
    page.locator(".turn.player [data-tool=delete]").click()
    assert page.locator(".turn").count() == 0
    page.locator(".toast button", has_text="Undo").click()
    assert page.locator(".turn.said").inner_text().count("I open it.") == 1
    for context in (plain, player.context):
        context.close()


def test_the_slips_have_nothing_that_axe_finds_wrong(player):
    old = played(player)[-1]
    for open_ in ("rewrite", "edit"):
        player.page.locator(f"#turn-{old} [data-tool={open_}]").click()
        player.see("#slip h1")
        assert violations(player.page) == []
        player.page.keyboard.press("Escape")
