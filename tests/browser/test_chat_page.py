"""The chat page in a real browser, on a real site, with a scripted model."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.model_server import refused, say
from tests.site import Site

TELLS = "*She turns the letter over.* “You knew,” she says. “And you let me cross.”"
#: What the first piece of `TELLS` is, before the gate opens.
FIRST = "She"
RECORD_SIXTY = """
from chat.story.models import Chat
from chat.turns import exchange
from django.contrib.auth.models import User
chat, owner = Chat.objects.get(id={chat}), User.objects.get(username="owner")
for n in range(60):
    exchange.record_turn(chat, user=owner, text=f"Turn {{n}} " + "of a long night. " * 9, speaker=None, key=None)
"""


@pytest.fixture(scope="module")
def kept_session(browser: Any, shared_site: Site) -> Any:
    """The owner's cookies."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(shared_site.enter_link())
    state = context.storage_state()
    context.close()
    return state


class Player:
    """A page of the owner's, with a story of its own."""

    def __init__(self, browser: Any, site: Site, session: Any, **looks: Any) -> None:
        self.site = site
        looks = {"viewport": {"width": 1280, "height": 800}, **looks}
        self.context = browser.new_context(storage_state=session, base_url=site.url, **looks)
        self.context.set_default_timeout(20_000)
        self.page = self.context.new_page()
        self.wrong: list[str] = []
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        if "Content Security Policy" in message.text:
            self.wrong.append(message.text)

    def begin(self, names: tuple[str, ...] = ("Mara", "Ilse")) -> int:
        """Begin a story and open it."""
        post = self.context.request.post
        self.context.request.get("/characters/new/")
        token = next(c["value"] for c in self.context.cookies() if c["name"] == "csrftoken")
        headers = {"X-CSRFToken": token, "Accept": "application/json", "Referer": self.site.url}
        cast = [post("/characters/", data={"name": name}, headers=headers).json()["id"] for name in names]
        story = {"title": "Night watch", "premise": "A lamp must be kept burning.", "characters": cast}
        self.chat = post("/chats/", data=story, headers=headers).json()["id"]
        self.open()
        return self.chat

    def open(self, chat: int | None = None) -> None:
        self.chat = chat or self.chat
        self.page.goto(f"/chats/{self.chat}/")
        if self.page.locator("html.js").count():
            self.page.wait_for_selector(".transcript.held")

    def say(self, words: str) -> None:
        self.page.fill("#words", words)
        self.page.keyboard.press("Enter")

    def see(self, selector: str, words: str = "") -> Any:
        found = self.page.locator(selector, has_text=words) if words else self.page.locator(selector)
        found.first.wait_for()
        return found

    def gone(self, selector: str) -> None:
        self.page.locator(selector).first.wait_for(state="hidden")

    def turns(self) -> list[str]:
        return self.page.locator(".turn[data-turn]").evaluate_all("turns => turns.map(turn => turn.dataset.text)")

    def until(self, expression: str) -> None:
        # Not wait_for_function, which would need the eval that the page's policy forbids.
        for _ in range(400):
            if self.page.evaluate(expression):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"never came true: {expression}")

    def from_the_end(self) -> float:
        return float(
            self.page.evaluate(
                "(() => { const t = document.getElementById('transcript');"
                " return t.scrollHeight - t.scrollTop - t.clientHeight; })()"
            )
        )


@pytest.fixture
def player(browser: Any, shared_site: Site, kept_session: Any) -> Iterator[Player]:
    player = Player(browser, shared_site, kept_session)
    yield player
    player.context.close()
    assert player.wrong == []


@pytest.fixture
def gate(shared_site: Site) -> Iterator[threading.Event]:
    """The next reply stops after its first word until the gate is set."""
    gate = threading.Event()
    shared_site.model.script(say(TELLS, gate=gate))
    yield gate
    gate.set()


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

    gate.set()
    player.gone(".turn.writing")
    assert player.turns()[-1] == TELLS
    assert player.page.locator(".turn .speech", has_text="“You knew,”").count() == 1
    assert player.page.title() == "Night watch · Palimpsest"
    assert not player.page.locator(".stop").is_visible()
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

    player.see(".turn.said", "All of it, then.")
    player.gone(".turn.stopped")
    assert player.turns() == ["Mara?", "“All of it, then.”"]


def test_what_is_said_meanwhile_is_marked_and_answered_next(player, gate):
    player.begin()
    player.say("Mara?")
    player.see(".turn.writing", FIRST)

    player.say("And quickly.")
    player.see(".note.queued", "Will be answered next.")
    player.site.model.script(say("“Quickly, then.”"))
    gate.set()

    player.see(".turn.said", "Quickly, then.")
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

    player.see(".turn.said", "“Here.”")
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

    player.see(".turn.said h2", "Ilse")
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


def test_a_reader_who_scrolled_up_is_left_alone_and_can_jump_back(player):
    player.begin()
    player.site.manage("shell", "-c", RECORD_SIXTY.format(chat=player.chat))
    player.open()
    assert player.page.locator(".turn").count() >= 50
    assert player.from_the_end() < 2

    player.page.hover("#transcript")
    player.page.mouse.wheel(0, -600)
    player.see("#jump", "Jump to newest")
    player.say("Is anybody there?")
    player.see(".turn.player", "Is anybody there?")
    assert player.from_the_end() < 2  # one's own words are followed

    player.page.hover("#transcript")
    player.page.mouse.wheel(0, -600)
    player.see("#jump")
    place = "document.querySelectorAll('.turn')[45].getBoundingClientRect().top"
    before = player.page.evaluate(place)
    player.site.model.script(say(TELLS))
    player.context.request.post(
        f"/chats/{player.chat}/turns/",
        form={"text": "From another tab"},
        headers={"X-CSRFToken": player.page.input_value("#act [name=csrfmiddlewaretoken]"), "Referer": player.site.url},
    )
    player.see(".turn.player", "From another tab")
    player.see(".jump.news")
    assert player.page.evaluate(place) == pytest.approx(before, abs=1)
    player.page.click("#jump")
    player.until("document.getElementById('jump').hidden")
    assert player.from_the_end() < 2


def test_earlier_turns_come_when_scrolling_up_and_the_place_is_kept(player):
    player.begin()
    player.site.manage("shell", "-c", RECORD_SIXTY.format(chat=player.chat))
    player.open()
    first = player.page.locator(".turn").first.get_attribute("id")

    top = player.page.evaluate(
        "id => { const t = document.getElementById('transcript'); t.scrollTop = 300;"
        " return document.getElementById(id).getBoundingClientRect().top; }",
        first,
    )
    player.until("document.querySelectorAll('.turn').length >= 60")

    assert player.page.evaluate("id => document.getElementById(id).getBoundingClientRect().top", first) == (
        pytest.approx(top, abs=1)
    )
    assert player.page.locator("#older").count() == 0
    assert player.page.locator("#premise").count() == 1


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
    elsewhere.see(".turn.said", "“Meanwhile.”")
    elsewhere.context.close()
    player.context.set_offline(False)

    player.see(".turn.said", "“Meanwhile.”")
    player.gone("#offline")
    assert player.turns() == ["Said meanwhile", "“Meanwhile.”"]
    player.site.model.script(say("“Kept.”"))
    player.page.focus("#words")
    player.page.keyboard.press("Enter")
    player.see(".turn.said", "“Kept.”")
    assert player.turns().count("Not lost") == 1


def test_where_websockets_are_blocked_the_page_plays_on(player):
    player.page.add_init_script(
        "window.WebSocket = class extends EventTarget { static OPEN = 1; constructor() { super();"
        " setTimeout(() => this.dispatchEvent(new CloseEvent('close', { code: 1006 })), 10); } close() {} };"
    )
    player.begin()
    player.site.model.script(say("“By the other road.”"))

    player.say("Mara?")

    player.see(".turn.said", "“By the other road.”")
    player.gone("#offline")
    player.until("!document.title.includes('is speaking')")
    assert player.turns() == ["Mara?", "“By the other road.”"]


def test_the_scene_changes_without_leaving_the_page(player):
    player.begin()
    player.page.click(".cast li[data-character] .plain-button >> nth=0")
    player.see(".cast .away")
    assert player.page.locator("select[name=speaker] option").count() == 2

    player.page.click("summary >> text=Open a new scene")
    player.page.fill("#new-scene-title", "The harbour")
    player.page.click("#known form button >> text=Open it")
    player.see("#scene p", "Scene 2 · The harbour")
    player.site.model.script(say("“Boats.”"))
    player.say("What do you see?")
    player.see(".break", "The harbour")


def test_a_turn_can_be_linked_to(player):
    player.begin()
    player.context.grant_permissions(["clipboard-read", "clipboard-write"])
    player.say("Remember this.")
    player.see(".turn.player", "Remember this.")

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


@pytest.mark.parametrize("width", [390, 360])
def test_on_a_phone_the_sides_are_dialogs_and_nothing_scrolls_sideways(browser, shared_site, kept_session, width):
    looks = {"viewport": {"width": width, "height": 780}, "has_touch": True, "is_mobile": True}
    player = Player(browser, shared_site, kept_session, **looks)
    player.begin()
    player.page.fill("#words", "A" * 90)
    player.page.click(".send")
    player.see(".turn.player")

    for side in ("chats", "known"):
        player.page.click(f"[data-opens={side}]")
        assert player.page.locator(f"dialog[open] #{side}").is_visible()
        player.page.click(f"[data-closes={side}]")
        assert not player.page.locator(f"#{side}").is_visible()
        assert player.page.evaluate("document.activeElement.dataset.opens") == side
    assert player.page.evaluate("document.documentElement.scrollWidth") <= width
    assert player.page.evaluate("document.getElementById('transcript').scrollWidth") <= width
    small = player.page.evaluate(
        "[...document.querySelectorAll('button, a:not(.skip), select, input, summary')].filter(e => e.checkVisibility())"
        ".filter(e => { const b = e.getBoundingClientRect(); return b.width < 44 || b.height < 44; })"
        ".map(e => e.outerHTML.slice(0, 90))"
    )
    assert small == []
    player.context.close()
    assert player.wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_accessible_in_every_state(browser, shared_site, kept_session, width, scheme):
    looks = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme, "reduced_motion": "reduce"}
    player = Player(browser, shared_site, kept_session, **looks)
    gate = threading.Event()
    player.begin()
    _assert_accessible(player, "empty")
    shared_site.model.script(say(TELLS, gate=gate))
    player.say("*I wait.* “Well?”")
    player.see(".turn.writing", FIRST)
    player.say("Meanwhile.")
    player.see(".note.queued")
    _assert_accessible(player, "speaking")
    shared_site.model.script(refused(400))
    player.page.keyboard.press("Escape")
    player.see(".turn.stopped")
    player.see(".failed")
    gate.set()
    _assert_accessible(player, "stopped and failed")
    _look_at_what_opens(player, narrow=width < 760)
    player.context.set_offline(True)
    player.see("#offline")
    _assert_accessible(player, "offline")
    player.context.close()


def _look_at_what_opens(player: Player, *, narrow: bool) -> None:
    player.page.keyboard.press("Control+/")
    _assert_accessible(player, "keys")
    player.page.keyboard.press("Escape")
    if narrow:
        for side in ("chats", "known"):
            player.page.click(f"[data-opens={side}]")
            _assert_accessible(player, side)
            player.page.click(f"[data-closes={side}]")
    else:
        player.page.click("summary >> text=Open a new scene")
        player.page.click(".account summary")
        _assert_accessible(player, "menus")


def _assert_accessible(player: Player, state: str) -> None:
    found = Axe().run(player.page)
    assert found.violations_count == 0, f"{state}: {found.generate_report()}"
