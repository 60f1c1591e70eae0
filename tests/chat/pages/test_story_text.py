"""A story's text as HTML: what is set apart, and what never gets through."""

from datetime import timedelta

import pytest
from django.contrib.messages import constants
from django.contrib.messages.storage.base import Message
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.story.models import Chat, Turn
from chat.templatetags import prose, story_text
from tests.factories import cast_of, make_chat, say


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*She waits.*", "<p><em>She waits.</em></p>"),
        ("*She waits. * “Go.”", '<p><em>She waits.</em> <span class="speech">“Go.”</span></p>'),
        ('"Go *now*," he says.', '<p><span class="speech">"Go <em>now</em>,"</span> he says.</p>'),
        ("*“Go,” he says.*", '<p><em><span class="speech">“Go,”</span> he says.</em></p>'),
        ("„Geh.“ «Va.»", '<p><span class="speech">„Geh.“</span> <span class="speech">«Va.»</span></p>'),
        (
            "“First.\n\n“Second.”",
            '<p><span class="speech">“First.</span></p>\n<p><span class="speech">“Second.”</span></p>',
        ),
        ('It is 6" wide.', '<p>It is 6" wide.</p>'),
        ("*He says “go* on”", "<p><em>He says “go</em> on”</p>"),
        ("“Go.”\n\n*She tur", '<p><span class="speech">“Go.”</span></p>\n<p><em>She tur</em></p>'),
        ("5 * 3", "<p>5 * 3</p>"),
        ("one\ntwo", "<p>one<br>\ntwo</p>"),
        ("# Night", '<p class="heading">Night</p>'),
        ("    indented", "<p>indented</p>"),
    ],
)
def test_actions_and_speech_are_set_apart(text, html):
    assert prose.render(text).strip() == html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](https://elsewhere.example/pixel.png)",
        "[x](javascript:alert(1))",
        "[x](data:text/html,hello)",
        "[x](/model/test/)",
        "<p style='position:fixed'>x</p>",
    ],
)
def test_nothing_that_acts_or_fetches_gets_through(text):
    html = prose.render(text)

    assert not any(bad in html for bad in ("<script", "<img", 'href="javascript', 'href="data', 'href="/', "<p style"))


def test_a_link_leads_away_without_telling_where_from():
    html = prose.render("[the almanac](https://almanac.example/tides)")

    assert 'href="https://almanac.example/tides"' in html
    assert 'rel="noopener noreferrer nofollow ugc"' in html


@settings(deadline=None)
@given(st.text(alphabet='ab*_"“”„«»<>&[]()!#`>- \n\\', max_size=80))
def test_any_text_becomes_html_without_losing_a_letter(text):
    html = prose.render(text)

    assert "".join(c for c in text if c in "ab") == "".join(
        c for c in _words_of(html) if c in "ab"
    ) or _is_code_or_link(text)


def _words_of(html: str) -> str:
    words, inside = [], False
    for character in html:
        inside = character == "<" or (inside and character != ">")
        words.append("" if inside else character)
    return "".join(words).replace("&amp;", "").replace("&lt;", "").replace("&gt;", "").replace("&quot;", "")


def _is_code_or_link(text: str) -> bool:
    # A link's address and a fence's language are words of the source that are not shown.
    return "](" in text or "`" in text or "]:" in text


def test_hues_are_steady_and_neighbours_differ():
    assert story_text.hue(7) == story_text.hue(7)
    assert len({story_text.hue(number) for number in range(12)}) == 12
    assert story_text.hue("anna").startswith("hue-")


def test_the_initial_is_the_first_letter_there_is():
    assert [story_text.initial(name) for name in ("mara", "“Ilse”", "…")] == ["M", "I", "?"]


def test_a_moment_tells_its_year_only_when_it_is_another():
    this_year = timezone.now().replace(month=11, day=2, hour=9, minute=5)

    assert ">2 Nov, 09:05</time>" in story_text.moment(this_year)
    assert ">2 Nov 1911, 09:05</time>" in story_text.moment(this_year.replace(year=1911))
    assert f'datetime="{this_year.isoformat()}"' in story_text.moment(this_year)


def test_what_lasted_a_second_is_told_in_seconds():
    assert [story_text.lasted(span) for span in (0, 999, 1000, 21675)] == ["0 ms", "999 ms", "1.0 s", "21.7 s"]


def test_a_toast_can_carry_its_undo():
    with_undo = Message(constants.SUCCESS, "Deleted.", extra_tags="undo:/chats/3/undelete/")

    assert story_text.undo_url(with_undo) == "/chats/3/undelete/"
    assert story_text.undo_url(Message(constants.SUCCESS, "Saved.")) == ""


@pytest.fixture
def chat(db: None) -> Chat:
    return make_chat()


def test_a_turn_is_rendered_alike_for_everyone(chat):
    turn = Turn.objects.get(id=say(chat, "“Who is <there>?”"))

    html = " ".join(story_text.render_turn(turn, chat, {}).split())

    assert f'id="turn-{turn.id}" data-turn="{turn.id}" data-place="{turn.place}" data-speaker=""' in html
    assert "“Who is &lt;there&gt;?”" in html
    assert "csrf" not in html
    assert "style=" not in html


@pytest.mark.parametrize(("state", "word"), [("stopped", "Stopped"), ("interrupted", "Interrupted")])
def test_a_reply_that_was_cut_off_says_so_and_offers_retry(chat, state, word):
    mara = cast_of(chat)["Mara"]
    turn = Turn(
        id=9, chat=chat, kind="assistant_turn", speaker=mara, speaker_name="Mara", text="“I", state=state,
        place=9, group=8, said_at=chat.created_at, generation="g9", witnesses=[],
    )  # fmt: skip

    html = " ".join(story_text.render_turn(turn, chat, {mara: {"id": mara, "name": "Mara", "portrait": ""}}).split())

    assert word in html
    assert f'formaction="/chats/{chat.id}/retry/" name="generation" value="g9"' in html
    assert f'href="/chats/{chat.id}/turns/9/why/"' in html
    assert story_text.hue(mara) in html


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("Keeper of the light.", "Keeper of the light."),
        ("Keeper of the light. Fifty-two, and grey.", "Keeper of the light. …"),
        ("Keeper of the light, fifty-two, and grey.", "Keeper of the light, fifty-two…"),
        ("雪の夜に灯台へ来た若い女。" * 9, "雪の夜に灯台へ来た若い女。" * 3 + "雪の夜に灯台へ来た若い…"),
        ("", ""),
    ],
)
def test_what_is_cut_after_a_sentence_or_after_a_word_says_so(text, begins):
    assert story_text.opening(text, 5) == begins


def test_what_has_just_happened_was_just_now():
    assert story_text.ago(timezone.now() - timedelta(seconds=20)) == "just now"
    assert story_text.ago(timezone.now() - timedelta(minutes=3, seconds=20)) == "3\xa0minutes ago"
