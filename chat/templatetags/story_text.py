"""Template tags of the story: its text, its turns, portraits, icons, and the Undo of a toast."""

import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import template
from django.contrib.messages.storage.base import Message
from django.template.loader import get_template
from django.utils import dateformat, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from chat.story.models import Chat, Turn
from chat.templatetags import icons, prose
from chat.turns.lines import last_whole_sentence, plain
from chat.turns.marks import Mark
from chat.turns.outdated import Change
from chat.turns.variants import Numbered

HUES = 12
#: Neighbouring ids get hues far apart.
HUE_STRIDE = 5
#: In milliseconds.
SECOND = 1000
#: Of a word, where words are counted by letters: few texts that set words apart have longer ones on average.
LETTERS = 10

register = template.Library()
register.filter("plain", plain)


def render_turn(
    turn: Turn,
    chat: Chat,
    cards: Mapping[int, Mapping[str, Any]],
    *,
    writing: Numbered | None = None,
    outdated: Change | None = None,
) -> SafeString:
    """One turn as HTML, the same for every reader; `cards` maps character ids to their card's JSON.

    `writing` says which of how many it is; `outdated`, which earlier turn was changed since.
    """
    card = cards.get(turn.speaker) if turn.speaker is not None else None
    template_of_a_turn: Any = get_template("chat/_turn.html")
    context = {"turn": turn, "chat": chat, "card": card, "writing": writing, "outdated": outdated}
    html: SafeString = template_of_a_turn.render(context)
    return html


def render_older_than(turn: Turn, chat: Chat, outdated: Change) -> SafeString:
    """The line that says of a turn what was changed since it was written, the same for every reader."""
    template_of_the_line: Any = get_template("chat/_older_than.html")
    html: SafeString = template_of_the_line.render({"turn": turn, "chat": chat, "outdated": outdated})
    return html


def render_mark(mark: Mark) -> SafeString:
    """What stands between turns as HTML, the same for every reader."""
    template_of_a_mark: Any = get_template("chat/_mark.html")
    html: SafeString = template_of_a_mark.render({"mark": mark})
    return html


@register.filter(name="prose")
def as_prose(text: str) -> SafeString:
    """A story's text as safe HTML (see prose.render)."""
    return prose.render(text)


@register.filter
def opening(text: str, words: int) -> str:
    """How a text begins: its first whole sentences of at most so many words, else so many words; then an ellipsis.

    Where words are not set apart by spaces, ten letters count as one.
    """
    found, most = text.split(), words * LETTERS
    if len(found) <= words and len(text) <= most:
        return text
    kept = " ".join(found[:words])[:most]
    whole = last_whole_sentence(kept)
    if whole != kept or kept[-1] in '.!?…”"':
        return f"{whole} …"
    return f"{kept.rstrip(',;:–—')}…"


@register.filter
def whose(turn: Turn) -> str:
    """Whose turn it is, to the player: "your" or "Mara’s"."""
    return "your" if turn.kind == Turn.Kind.USER else f"{turn.speaker_name}’s"


@register.simple_tag
def moment(at: datetime) -> SafeString:
    """When something was: "22 Nov, 10:56", with the year if it is not this one; scripts put it in local time."""
    at = timezone.localtime(at)
    form = "j M, H:i" if at.year == timezone.localtime().year else "j M Y, H:i"
    return format_html('<time class="moment" datetime="{}">{}</time>', at.isoformat(), dateformat.format(at, form))


@register.filter
def ago(moment: datetime) -> str:
    """How long ago: "just now", "3 minutes ago"."""
    since = timesince(moment)
    return "just now" if since.startswith("0") else f"{since} ago"


@register.filter
def lasted(milliseconds: int) -> str:
    """How long something took: "456 ms", "21.7 s"."""
    return f"{milliseconds} ms" if milliseconds < SECOND else f"{milliseconds / SECOND:.1f} s"


@register.filter
def hue(of: object) -> str:
    """The hue class of a character's id, or of a name; always the same one."""
    number = of if isinstance(of, int) else zlib.crc32(str(of).encode())
    return f"hue-{number * HUE_STRIDE % HUES}"


@register.filter
def initial(name: str) -> str:
    """The letter that stands in for a portrait."""
    letters = [letter for letter in name if letter.isalnum()]
    return letters[0].upper() if letters else "?"


@register.inclusion_tag("chat/_portrait.html")
def portrait(card: object, size: int = 36) -> dict[str, object]:
    """The portrait of a card or a Character, or its initial on a hue of its own; decoration, so without a name."""
    return {"card": card, "size": size}


@register.simple_tag
def icon(name: str) -> SafeString:
    """A drawn icon, hidden from screen readers."""
    return format_html(
        '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>', icons.drawing(name)
    )


@register.filter
def undo_url(message: Message) -> str:
    """Where a toast's Undo posts to; "" when it has none."""
    tags = message.extra_tags or ""
    return tags.removeprefix("undo:") if tags.startswith("undo:") else ""
