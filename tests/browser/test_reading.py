"""Reading the chat page: the reader's place, phones, and every state under axe."""

import threading

import pytest

from tests.browser.player import FIRST, TELLS, Player
from tests.browser.sight import in_both_schemes
from tests.model_server import refused, say

#: Answered at their end: what waits for an answer gets one from the site, of what another test has scripted.
RECORD_SIXTY = """
from chat.story.models import Chat
from chat.story.payloads import AssistantTurn
from chat.story.writer import write
from chat.turns import chats, exchange
from django.contrib.auth.models import User
chat, owner = Chat.objects.get(id={chat}), User.objects.get(username="owner")
for n in range(60):
    said = exchange.record_turn(chat, user=owner, text=f"Turn {{n}} " + "of a long night. " * 9, speaker=None, key=None)
reply = AssistantTurn(speaker=chat.present[0], text="So it was.", group=said.turn_id)
write(chat.id, [reply], chats.source(owner))
"""

#: Whether the row of the button shows nothing of the story.
IS_OPAQUE = """(() => {
    const row = document.querySelector('.ahead');
    const { left, top, width, height } = row.getBoundingClientRect();
    const story = getComputedStyle(document.body).backgroundColor;
    const shown = (y) => document.elementFromPoint(left + width / 3, y).closest('.turn');
    const heights = [...Array(Math.floor(height)).keys()];
    return getComputedStyle(row).backgroundColor === story && !heights.some((y) => shown(top + y));
})()"""

#: Whether the button goes where the reader has scrolled to the end, and by how many pixels the last turn moves then.
MOVES_AT_THE_END = """async () => {
    const transcript = document.getElementById('transcript');
    const top = () => [...document.querySelectorAll('.turn')].at(-1).getBoundingClientRect().top;
    transcript.scrollTop = transcript.scrollHeight - transcript.clientHeight - 20;
    const before = top();
    for (let frame = 0; frame < 4; frame += 1) await new Promise(requestAnimationFrame);
    return [document.getElementById('jump').hidden, top() - before];
}"""

#: Something changes before the browser has told the page where the reader went.
SCROLLS_AS_THE_PAGE_CHANGES = """async () => {
    const { Scroll } = await import("/static/chat/js/scroll.js");
    const [transcript, leaves, jump] = ["transcript", "leaves", "jump"].map((id) => document.getElementById(id));
    const scroll = new Scroll(transcript, leaves, jump);
    scroll.hold();
    transcript.scrollTop = 300;
    scroll.keeping(() => {});
    return transcript.scrollTop;
}"""


def test_a_reader_who_scrolled_up_is_left_alone_and_can_jump_back(player):
    player.begin()
    player.site.manage("shell", "-c", RECORD_SIXTY.format(chat=player.chat))
    player.open()
    assert player.page.locator(".turn").count() >= 50
    player.is_at_the_end()

    player.page.hover("#transcript")
    player.page.mouse.wheel(0, -600)
    player.see("#jump", "Jump to newest")
    player.say("Is anybody there?")
    player.see(".turn.player", "Is anybody there?")
    player.is_at_the_end()  # one's own words are followed

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
    player.is_at_the_end()


def test_the_way_to_the_newest_turn_covers_nothing_and_goes_without_moving_the_story(player):
    player.begin()
    player.site.manage("shell", "-c", RECORD_SIXTY.format(chat=player.chat))
    player.open()

    player.page.hover("#transcript")
    player.page.mouse.wheel(0, -600)
    player.see("#jump")

    assert player.page.evaluate(IS_OPAQUE)
    assert player.page.evaluate(MOVES_AT_THE_END) == [True, 0]


def test_a_reader_who_begins_to_scroll_up_while_words_come_is_not_pulled_back(player, gate):
    player.begin()
    player.site.manage("shell", "-c", RECORD_SIXTY.format(chat=player.chat))
    player.open()
    player.say("Mara?")
    player.see(".turn.writing", FIRST)
    player.is_at_the_end()
    place = "document.getElementById('transcript').scrollTop"
    before = player.page.evaluate(place)

    player.page.hover("#transcript")
    player.page.mouse.wheel(0, -20)
    player.until(f"{place} === {before - 20}")
    gate.set()
    player.see(".turn.said[data-turn]", "And you let me cross.")

    assert player.page.evaluate(place) == before - 20
    player.page.mouse.wheel(0, 600)
    player.until("document.getElementById('jump').hidden")
    player.is_at_the_end()


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


def test_a_page_that_changes_while_the_reader_scrolls_up_does_not_pull_them_back(player):
    player.begin()
    player.site.manage("shell", "-c", RECORD_SIXTY.format(chat=player.chat))
    player.open()

    assert player.page.evaluate(SCROLLS_AS_THE_PAGE_CHANGES) == 300


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
        "[...document.querySelectorAll('button, a:not(.skip), select, input, summary')]"
        ".filter(e => e.checkVisibility())"
        ".filter(e => { const b = e.getBoundingClientRect(); return b.width < 44 || b.height < 44; })"
        ".map(e => e.outerHTML.slice(0, 90))"
    )
    assert small == []
    player.context.close()
    assert player.wrong == []


@pytest.mark.parametrize("width", [390, 360])
def test_on_a_phone_what_can_be_done_with_a_turn_is_one_row(browser, shared_site, kept_session, width):
    looks = {"viewport": {"width": width, "height": 780}, "has_touch": True, "is_mobile": True}
    player = Player(browser, shared_site, kept_session, **looks)
    player.begin(names=("Mara",))
    player.site.model.script(say(TELLS), say("“Another way of it.”"))
    player.page.fill("#words", "Mara?")
    player.page.click(".send")
    player.see(".turn.said[data-turn]")
    player.gone(".stop")
    player.page.click("[data-tool=rewrite]")
    player.page.locator("#slip button[type=submit]").click()
    player.see(".turn.said .variants", "2/2")

    tops = player.page.locator(".turn.said .tools > *").evaluate_all(
        "tools => tools.filter((tool) => tool.checkVisibility()).map((tool) => tool.getBoundingClientRect().top)"
    )

    assert len(tops) == 6
    assert len(set(tops)) == 1
    player.context.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_accessible_in_every_state(browser, shared_site, kept_session, width):
    looks = {"viewport": {"width": width, "height": 800}, "reduced_motion": "reduce"}
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
        player.page.click("#tab-scene")
        player.page.click("summary >> text=Open a new scene")
        player.page.click(".account summary")
        _assert_accessible(player, "menus", but=("target-size",))  # what an open menu covers in part is none just now
        player.page.click(".account summary")


def _assert_accessible(player: Player, state: str, *, but: tuple[str, ...] = ()) -> None:
    assert in_both_schemes(player.page, but=but) == [], state


def test_a_link_to_an_old_turn_opens_there_and_leads_to_the_newest(player):
    player.begin()
    player.site.manage("shell", "-c", RECORD_SIXTY.format(chat=player.chat))
    old = player.context.request.get(f"/chats/{player.chat}/turns/").json()[3]

    player.page.goto(f"/chats/{player.chat}/?at={old['place']}#turn-{old['id']}")

    assert player.page.locator(f"#turn-{old['id']}").is_visible()
    for width in (1280, 390):
        player.page.set_viewport_size({"width": width, "height": 800})
        player.page.goto("about:blank")
        player.page.goto(f"/chats/{player.chat}/?at={old['place']}#turn-{old['id']}")
        player.see(".transcript.held")
        header, name = player.page.locator("#scene").bounding_box(), player.page.locator(f"#said-{old['id']}")
        assert header["y"] + header["height"] <= name.bounding_box()["y"] < 400
    assert player.page.locator("a#jump").get_attribute("href") == f"/chats/{player.chat}/"
    player.page.click("text=Newest turns")
    player.see(".turn.player", "Turn 59")
    player.see(".transcript.held")
    player.is_at_the_end()


def test_on_a_page_opened_at_an_older_place_nobody_speaks_for_ever_after_a_break(player, gate):
    player.begin(names=("Mara",))
    player.site.manage("shell", "-c", RECORD_SIXTY.format(chat=player.chat))
    old = player.context.request.get(f"/chats/{player.chat}/turns/").json()[3]
    player.page.goto(f"/chats/{player.chat}/?at={old['place']}")
    elsewhere = Player(player.context.browser, player.site, player.context.storage_state())
    elsewhere.open(player.chat)
    elsewhere.say("Mara?")
    player.see("#status", "Mara is speaking")
    player.see(".stop")

    player.context.set_offline(True)
    player.see("#offline", "Connection lost. Trying again…")
    gate.set()
    elsewhere.see(".turn.said[data-turn]", "And you let me cross.")
    elsewhere.gone(".stop")
    elsewhere.context.close()
    player.context.set_offline(False)

    player.gone("#offline")
    player.gone(".stop")
    player.until("!document.title.includes('is speaking')")
    assert "is speaking" not in player.page.locator("#status").inner_text()
