"""Playing in a real browser, on a real site, with a scripted model."""

import re
import threading

from tests.browser.player import FIRST, TELLS, Player
from tests.model_server import nothing, refused, say
from tests.servers import eventually

#: What would be left of the reply if the process died now.
KEPT = "from chat.turns.models import Generation; print(Generation.objects.get().text)"


def test_an_exchange_is_streamed_and_then_stands(player, gate):
    player.begin()

    player.say("“Read it,” I say.")
    player.see(".turn.player", "Read it")
    player.see(".turn.writing", FIRST)
    assert player.page.input_value("#words") == ""
    assert "is speaking · Night watch" in player.page.title()
    assert player.page.locator("#status").inner_text().endswith("is speaking")
    assert player.page.locator(".stop").is_visible()
    assert player.page.locator(".turn.writing").get_attribute("aria-hidden") == "true"

    # Somebody else may be about to speak; nobody is.
    with player.until_nobody_speaks_up():
        gate.set()
        player.gone(".turn.writing")
        assert player.turns()[-1] == TELLS
        assert player.page.locator(".turn .speech", has_text="“You knew,”").count() == 1
    player.gone(".stop")
    assert player.page.title() == "Night watch · Palimpsest"
    assert "has spoken" in player.page.locator("#status").text_content()


def test_a_reload_in_the_middle_shows_the_same_text_and_it_goes_on(player, gate):
    player.begin()
    player.say("Mara?")
    player.see(".turn.writing", FIRST)

    player.open()
    assert FIRST in player.page.locator(".turn.writing").inner_text()
    gate.set()

    player.gone(".turn.writing")
    assert player.turns() == ["Mara?", TELLS]


def test_what_is_marked_stays_marked_when_the_reply_settles(player, gate):
    player.begin()
    player.say("Mara?")
    player.see(".turn.writing", FIRST)
    player.page.evaluate("getSelection().selectAllChildren(document.querySelector('.writing .text'))")
    marked = player.page.evaluate("getSelection().toString().trim()")

    gate.set()
    player.gone(".turn.writing")

    assert player.page.evaluate("getSelection().toString().trim()") == marked


def test_escape_stops_and_retry_writes_anew_in_place(player, gate):
    player.begin()
    player.say("Mara?")
    player.see(".turn.writing", FIRST)

    player.page.keyboard.press("Escape")
    player.see(".turn.stopped .cut", "Stopped")
    gate.set()
    player.site.model.script(say("“All of it, then.”"))
    player.page.click(".turn.stopped .retry")

    player.see(".turn.said[data-turn]", "All of it, then.")
    player.gone(".turn.stopped")
    assert player.turns() == ["Mara?", "“All of it, then.”"]


def test_stopped_before_the_first_word_it_says_so_and_can_be_tried_again(player):
    player.begin()
    player.site.model.script(nothing())
    asked = len(player.site.model.requests)
    player.say("Mara?")
    player.see(".turn.writing")
    player.site.model.wait_for_request(asked + 1)
    player.page.keyboard.press("Escape")

    player.see(".failed.stopped", "Mara was stopped before the first word.")
    player.gone(".turn.writing")
    player.open()
    player.see(".failed.stopped", "Mara was stopped before the first word.")
    player.site.model.script(say("“Here.”"))
    player.page.get_by_role("button", name="Try again").click()

    player.see(".turn.said[data-turn]", "“Here.”")
    player.gone(".failed")


def test_what_is_said_meanwhile_is_marked_and_answered_next(player, gate):
    player.begin()
    player.say("Mara?")
    player.see(".turn.writing", FIRST)

    player.say("And quickly.")
    player.see(".note.queued", "Will be answered next.")
    player.site.model.script(say("“Quickly, then.”"))
    gate.set()

    player.see(".turn.said[data-turn]", "Quickly, then.")
    player.gone(".note.queued")
    assert [text for text in player.turns() if text.startswith("“Quickly")] == ["“Quickly, then.”"]


def test_a_failure_stands_in_place_with_its_reason_and_retry(player):
    player.site.model.script(refused(400, "no such thing"))
    player.begin()

    player.say("Mara?")
    player.see(".failed .what", "could not answer.")
    assert player.page.locator(".failed .why").inner_text().strip()
    player.open()
    player.see(".failed .what", "could not answer.")
    player.site.model.script(say("“Here.”"))
    player.page.click(".failed button")

    player.see(".turn.said[data-turn]", "“Here.”")
    player.gone(".failed")


def test_a_draft_survives_a_reload_and_arrow_up_recalls_the_last_words(player):
    player.begin()
    player.page.fill("#words", "Half a thought")
    player.open()
    assert player.page.input_value("#words") == "Half a thought"

    player.page.fill("#words", "*I knock.*")
    player.page.keyboard.press("Enter")
    player.see(".turn.player", "I knock.")
    player.until("document.getElementById('words').value === ''")
    player.page.focus("#words")
    player.page.keyboard.press("ArrowUp")
    assert player.page.input_value("#words") == "*I knock.*"


def test_shift_enter_makes_a_line_and_the_picked_speaker_answers(player):
    player.begin()
    player.page.focus("#words")
    player.page.keyboard.type("One")
    player.page.keyboard.press("Shift+Enter")
    player.page.keyboard.type("two")
    player.page.select_option("select[name=speaker]", label="Ilse")
    player.page.keyboard.press("Tab")
    player.page.focus("#words")
    player.page.keyboard.press("Enter")

    player.see(".turn.said[data-turn] h2", "Ilse")
    assert player.turns()[0] == "One\ntwo"
    assert player.page.input_value("select[name=speaker]") == ""


def test_the_keys_people_know(player):
    player.begin()
    player.page.keyboard.press("Control+/")
    assert player.page.locator("#keys").is_visible()
    player.page.keyboard.press("Escape")
    assert not player.page.locator("#keys").is_visible()

    player.page.click("[data-closes=chats]")
    assert not player.page.locator("#search").is_visible()
    player.page.keyboard.press("Control+k")
    assert player.page.evaluate("document.activeElement.id") == "search"
    player.page.keyboard.type("zzz")
    player.see("#chat-list", "No chat has “zzz” in its title.")


def test_a_lost_connection_is_said_and_heals_without_gap_or_double(player):
    player.begin()
    player.context.set_offline(True)
    player.see("#offline", "Connection lost. Trying again…")
    player.page.fill("#words", "Not lost")
    player.page.keyboard.press("Enter")
    player.see("#refusal", "There is no connection.")
    assert player.page.input_value("#words") == "Not lost"

    elsewhere = Player(player.context.browser, player.site, player.context.storage_state())
    elsewhere.open(player.chat)
    player.site.model.script(say("“Meanwhile.”"))
    elsewhere.say("Said meanwhile")
    elsewhere.see(".turn.said[data-turn]", "“Meanwhile.”")
    elsewhere.context.close()
    player.context.set_offline(False)

    player.see(".turn.said[data-turn]", "“Meanwhile.”")
    player.gone("#offline")
    assert player.turns() == ["Said meanwhile", "“Meanwhile.”"]
    player.site.model.script(say("“Kept.”"))
    player.page.focus("#words")
    player.page.keyboard.press("Enter")
    player.see(".turn.said[data-turn]", "“Kept.”")
    assert player.turns().count("Not lost") == 1


def test_where_websockets_are_blocked_the_page_plays_on(player):
    player.page.add_init_script(
        "window.WebSocket = class extends EventTarget { static OPEN = 1; constructor() { super();"
        " setTimeout(() => this.dispatchEvent(new CloseEvent('close', { code: 1006 })), 10); } close() {} };"
    )
    player.begin()
    player.site.model.script(say("“By the other road.”"))

    player.say("Mara?")

    player.see(".turn.said[data-turn]", "“By the other road.”")
    player.gone("#offline")
    player.until("!document.title.includes('is speaking')")
    assert player.turns() == ["Mara?", "“By the other road.”"]


def test_the_scene_changes_without_leaving_the_page(player):
    player.begin()
    player.page.click("#tab-cast")
    player.page.click(".cast li[data-character] .plain-button >> nth=0")
    player.see(".cast .away")
    assert player.page.locator("select[name=speaker] option").count() == 2

    player.page.click("#tab-scene")
    player.page.click("summary >> text=Open a new scene")
    player.page.fill("#new-scene-title", "The harbour")
    player.page.click("#known form button >> text=Open it")
    player.see("#scene p", "Scene 2 · The harbour")
    player.site.model.script(say("“Boats.”"))
    player.say("What do you see?")
    player.see(".break", "The harbour")
    player.see("#hearers", "hear what is said now")
    other = player.context.new_page()
    other.goto(f"/chats/{player.chat}/")
    player.page.click("#tab-cast")
    player.page.click(".cast >> text=Leaves >> nth=0")
    for page in (player.page, other):
        page.locator("#leaves > .turn ~ .between", has_text="Mara leaves").wait_for()
        page.locator("#hearers", has_text="Mara will not know of it.").wait_for()


def test_a_turn_can_be_linked_to(player):
    player.begin()
    player.context.grant_permissions(["clipboard-read", "clipboard-write"])
    player.say("Remember this.")
    player.see(".turn.player", "Remember this.")

    assert re.fullmatch(r"\d\d:\d\d", player.page.inner_text(".turn.player .when"))
    player.page.click(".turn.player .when")
    player.see(".toast", "The link to this turn is copied.")
    assert "#turn-" in player.page.url
    player.page.hover(".turn.player")
    player.page.click(".turn.player [data-copy]")
    player.see("[data-copy]", "Copied")
    assert player.page.evaluate("navigator.clipboard.readText()") == "Remember this."


def test_without_scripts_one_can_post_read_and_stop(browser, shared_site, kept_session, gate):
    player = Player(browser, shared_site, kept_session, java_script_enabled=False)
    player.begin()

    player.page.fill("#words", "Mara?")
    player.page.click(".send")
    player.see(".turn.player", "Mara?")
    player.see(".turn.writing")
    player.page.click(".stop")
    player.gone(".turn.writing")
    gate.set()
    assert player.page.locator(".turn.player").count() == 1
    player.context.close()


def test_a_killed_web_process_leaves_the_text_so_far_and_retry(browser, site):
    player = Player(browser, site, None)
    player.page.goto(site.enter_link())
    player.begin()
    gate = threading.Event()
    site.model.script(say(TELLS, gate=gate))
    player.say("Mara?")
    player.see(".turn.writing", FIRST)
    eventually(lambda: FIRST in site.manage("shell", "-v0", "-c", KEPT), what="a checkpoint")

    site.kill()
    player.see("#offline", "Connection lost. Trying again…")
    site.start()

    player.context.set_default_timeout(45_000)
    player.see(".turn.interrupted .cut", "Interrupted")
    player.gone("#offline")
    assert player.turns() == ["Mara?", f"*{FIRST}"]
    player.gone(".stop")
    site.model.script(say("“All of it.”"))
    player.page.click(".turn.interrupted .retry")
    player.see(".turn.said[data-turn]", "“All of it.”")
    gate.set()
    player.context.close()
