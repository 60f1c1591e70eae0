"""The story beside the story: facts that come live, deeds by hand, the search, and every state under axe."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.player import Player
from tests.browser.sight import NARROW, in_both_schemes, overflow

WRITE = """
from chat.story import decisions
from chat.story.fact_payloads import *
from chat.story.models import Chat
from chat.story.writer import write
from chat.turns import chats
from django.contrib.auth.models import User
chat, owner = Chat.objects.get(id={chat}), User.objects.get(username="owner")
cast = dict(chat.cast.values_list("name", "character"))
turn = chat.turns.live().in_story_order().last()
def record(*facts):
    return [event.position for event in write(chat.id, facts, chats.source(owner)).events]
"""
RICH = """
plans = [EventPlanned(title=title, triggered_by_user_turn_id=turn.id) for title in ("Row out", "Sleep", "Read", "Dig")]
one, two, three, four = record(*plans)
record(EventStarted(story_event=one), EventCancelled(story_event=two), EventStarted(story_event=three))
record(EventCompleted(story_event=three), MilestoneReached(story_event=three, text="Read", turn=turn.id))
record(MemoryFormed(witness=cast["Ilse"], text="The lamp was cold.", importance=5, turn=turn.id))
record(RelationshipChanged(character=cast["Ilse"], toward=0, delta=-2, why="The lamp.", turn=turn.id))
record(DecisionRegistered(
    context=decisions.CAUTION_PROPOSAL, choice=decisions.CAUTION_DRAFTED, reasoning="", decided_by="test",
    body={"text": "Mara does not know.", "audience": [cast["Ilse"]]},
))
record(DecisionRegistered(
    context=decisions.RUN_DEBRIEF, choice=decisions.DEBRIEFED, reasoning="", decided_by="test",
    turns=(turn.id,), scene=chat.scene, body={"text": "The lamp went out.", "parts": {}},
))
"""


def write(player: Player, code: str) -> None:
    """Record facts from another process, as the readers do."""
    player.site.manage("shell", "-c", WRITE.format(chat=player.chat) + code)


def begin_with_a_turn(player: Player, words: str = "Is the lamp lit?") -> Any:
    player.begin()
    player.say(words)
    player.see(".turn.said[data-turn]")
    return player.page.locator(".turn.player")


def test_facts_appear_live_in_two_tabs_and_lead_to_their_turn(player):
    turn = begin_with_a_turn(player)
    other = player.context.new_page()
    other.goto(f"/chats/{player.chat}/")
    for page in (player.page, other):
        expect(page.locator("#facts")).to_contain_text("Nothing is planned")

    code = 'record(MemoryFormed(witness=cast["Mara"], text="You asked for light.", importance=5, turn={turn}))'
    write(player, code.format(turn=turn.get_attribute("data-turn")))

    for page in (player.page, other):
        expect(page.locator("#facts")).to_contain_text("You asked for light.")
    player.page.locator("#facts").get_by_role("link", name="turn 1").click()
    expect(turn).to_be_focused()
    expect(turn).to_have_class("turn player linked")


def test_a_story_event_is_planned_called_otherwise_and_cancelled_by_hand(player):
    player.begin()
    facts = player.page.locator("#facts")

    facts.get_by_text("Plan something").click()
    facts.get_by_label("What is to happen").fill("Light the lamp")
    player.page.keyboard.press("Enter")
    expect(facts.locator(".planned")).to_contain_text("Light the lamp")
    expect(facts.get_by_text("Plan something")).to_be_focused()

    facts.locator(".planned summary").click()
    facts.locator(".planned").get_by_label("What is to happen").fill("Light the great lamp")
    facts.get_by_role("button", name="Save").click()
    expect(facts.locator(".planned b")).to_have_text("Light the great lamp")

    facts.locator(".planned summary").click()
    facts.get_by_role("button", name="Cancel it").click()
    expect(facts.locator(".cancelled")).to_contain_text("Cancelled")


def test_what_one_is_writing_stays_while_facts_arrive(player):
    player.begin()
    facts = player.page.locator("#facts")
    facts.get_by_text("Plan something").click()
    title = player.page.locator("#plan-title")
    title.fill("Half a pl")

    write(player, 'record(EventPlanned(title="Row out"))')
    player.see("#status")
    title.press_sequentially("an")
    expect(title).to_be_focused()
    expect(title).to_have_value("Half a plan")
    facts.get_by_text("Plan something").focus()

    expect(facts.locator(".planned")).to_contain_text("Row out")
    expect(title).to_be_visible()
    expect(title).to_have_value("Half a plan")


def test_a_memory_is_forgotten_and_brought_back_with_undo(player):
    begin_with_a_turn(player)
    write(player, 'record(MemoryFormed(witness=cast["Ilse"], text="The oil is low.", importance=5, turn=turn.id))')
    memory = player.page.locator("#facts .kept", has_text="The oil is low.")

    memory.get_by_role("button", name="Have Ilse forget").click()
    expect(memory).to_have_count(0)
    player.page.get_by_role("button", name="Undo").click()

    expect(memory).to_be_visible()


def test_a_found_turn_is_reached_by_keyboard_alone(player):
    begin_with_a_turn(player, "Where is the quicksilver?")
    first = player.chat
    player.site.manage("run_reactions", "--once")
    player.begin()

    player.page.keyboard.press("Control+k")
    player.page.keyboard.type("quicksil")
    expect(player.page.locator(".hits mark")).to_have_text(["quicksil"])
    expect(player.page.locator("#found")).to_have_text("1 found")
    player.page.keyboard.press("ArrowDown")
    player.page.keyboard.press("Enter")

    player.page.wait_for_url(f"**/chats/{first}/?at=*")
    expect(player.page.locator(".turn:target")).to_contain_text("Where is the quicksilver?")


def test_a_search_that_finds_nothing_or_fails_says_so(player):
    player.begin()

    player.page.keyboard.press("Control+k")
    player.page.keyboard.type("zzyzx")
    expect(player.page.locator("#chat-list")).to_contain_text("No turn has these words.")
    player.page.route("**/agent/search/hits/**", lambda route: route.fulfill(status=503))
    player.page.keyboard.type("x")
    expect(player.page.locator("#chat-list")).to_contain_text("The search did not answer.")
    player.page.keyboard.press("Escape")

    expect(player.page.locator("#chat-list [aria-current]")).to_contain_text("Night watch")


def test_between_scenes_what_happened_stands_at_the_end_and_then_where_the_next_scene_begins(player):
    begin_with_a_turn(player)
    player.page.click("#tab-scene")
    player.page.click("summary >> text=Change the scene")
    player.page.click("text=Close this scene")
    expect(player.page.locator(".scene .heading")).to_contain_text("Between scenes")
    write(
        player,
        "record(DecisionRegistered(context=decisions.RUN_DEBRIEF, choice=decisions.DEBRIEFED, reasoning='',"
        " decided_by='test', turns=(turn.id,), scene=turn.scene, body={'text': 'The lamp went out.', 'parts': {}}))",
    )

    expect(player.page.locator(".turn ~ #previously")).to_contain_text("The lamp went out.")
    player.page.get_by_label("Where and when").fill("The harbour")
    player.page.click("text=Open it")
    expect(player.page.locator(".scene .heading")).to_contain_text("The harbour")
    player.say("And now?")
    expect(player.page.locator("#previously ~ .turn.player")).to_contain_text("And now?")


def test_the_line_under_the_newest_turn_says_what_is_still_read_and_goes(player, monkeypatch):
    monkeypatch.setitem(player.site.environment, "PALIMPSEST_READER", "words")
    begin_with_a_turn(player)

    expect(player.page.locator("#reading-line")).to_contain_text("of 3 readers done")
    # Asked of the page, for the line is drawn anew all the time.
    assert player.page.evaluate("document.getElementById('reading-line').closest('[aria-live]').ariaLive") == "off"
    player.site.manage("run_reactions", "--once")

    expect(player.page.locator("#reading-line")).to_be_empty()


def test_without_scripts_facts_are_changed_on_a_page_of_their_own(browser, shared_site, kept_session):
    player = Player(browser, shared_site, kept_session, java_script_enabled=False)
    player.begin()
    player.page.click("text=The story so far >> visible=true")

    player.page.click("summary >> text=Plan something")
    player.page.get_by_label("What is to happen").fill("Light the lamp")
    player.page.click("text=Plan it")
    expect(player.page.get_by_role("heading", name="The story so far")).to_be_visible()
    player.page.locator(".planned summary").click()
    player.page.click("text=Cancel it")

    expect(player.page.locator(".cancelled")).to_contain_text("Light the lamp")
    player.context.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_facts_are_accessible_and_nothing_scrolls_sideways(browser, shared_site, kept_session, width):
    looks = {"viewport": {"width": width, "height": 800}, "reduced_motion": "reduce"}
    player = Player(browser, shared_site, kept_session, **looks)
    begin_with_a_turn(player)
    write(player, RICH)
    player.site.manage("run_reactions", "--once")
    player.open()
    if width < 760:
        player.page.click("[data-opens=known]")
    player.page.click("#plan")
    player.page.locator(".active summary").click()
    assert_sound(player, "the panel")
    if width < 760:
        player.page.click("[data-closes=known]")
    player.page.keyboard.press("Control+k")
    player.page.keyboard.type("lamp")
    player.see(".hits mark")
    assert_sound(player, "the search")
    for path in (f"/chats/{player.chat}/facts/", f"/chats/{player.chat}/info/", "/?q=lamp", "/agent/search/?q=lamp"):
        player.page.goto(path)
        assert_sound(player, path)
    player.page.goto(f"/agent/chats/{player.chat}/activity/")
    player.page.click("text=As a table")
    assert_sound(player, "the chart")
    player.context.close()
    assert player.wrong == []


def assert_sound(player: Player, what: str) -> None:
    player.page.wait_for_load_state("networkidle") if "/" in what else None
    assert in_both_schemes(player.page) == [], what
    wide = player.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1], what
    looks = player.page.viewport_size
    if looks["width"] == NARROW:
        assert overflow(player.page) <= 0, what
        player.page.set_viewport_size(looks)
