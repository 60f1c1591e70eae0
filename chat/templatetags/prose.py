"""A story's text as safe HTML: Markdown without HTML and images, with actions and speech set apart."""

import re
from collections.abc import Iterator
from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

#: What opens speech, and what ends it.
QUOTES = {"“": "”", "„": "“”", "«": "»", "‹": "›", '"': '"'}
_QUOTE = re.compile('([“”„«»‹›"])')
#: `*She waits. *`: small models leave a space before the closing star, which Markdown takes literally.
_LOOSE_STAR = re.compile(r"(?<![*\\])\*([^\s*][^*\n]*?)[ \t]+\*(?!\*)")
_LONE_STAR = re.compile(r"(?<![*\\])\*(?!\*)")


@lru_cache(maxsize=512)
def render(text: str) -> SafeString:
    """The text as HTML that may stand in any page: `em` is an action or stress, `span.speech` is said aloud."""
    html = _markdown.render(_close_action(_LOOSE_STAR.sub(r"*\1*", text)))
    return mark_safe(_cleaner.clean(html))  # noqa: S308  (cleaned)


def _close_action(text: str) -> str:
    """A reply that was cut off within an action ends with it."""
    stars = [star.end() for star in _LONE_STAR.finditer(text, text.rfind("\n\n") + 1)]
    begun = len(stars) % 2 and stars[-1] < len(text) and not text[stars[-1]].isspace()
    return f"{text.rstrip()}*" if begun else text


def _set_speech_apart(state: StateCore) -> None:
    for token in state.tokens:
        if token.type == "inline" and token.children:
            token.children = list(_with_speech(_split_at_quotes(token.children)))
        elif token.type in {"heading_open", "heading_close"}:
            # A heading inside a turn would break the outline of the page.
            token.tag = "p"
            if token.nesting == 1:
                token.attrSet("class", "heading")


def _split_at_quotes(tokens: list[Token]) -> list[Token]:
    pieces = []
    for token in tokens:
        if token.type != "text":
            pieces.append(token)
            continue
        pieces += [
            Token("text", "", 0, content=part, level=token.level) for part in _QUOTE.split(token.content) if part
        ]
    return pieces


def _with_speech(tokens: list[Token]) -> Iterator[Token]:
    levels = _levels(tokens)
    ends_at = -1
    for at, token in enumerate(tokens):
        if at > ends_at and token.type == "text" and token.content in QUOTES:
            found = _end_of_speech(tokens, levels, at)
            if found is not None:
                ends_at = found
                yield Token("speech_open", "span", 1, attrs={"class": "speech"})
        yield token
        if at == ends_at:
            yield Token("speech_close", "span", -1)


def _levels(tokens: list[Token]) -> list[int]:
    level, levels = 0, []
    for token in tokens:
        level += min(token.nesting, 0)
        levels.append(level)
        level += max(token.nesting, 0)
    return levels


def _end_of_speech(tokens: list[Token], levels: list[int], start: int) -> int | None:
    """Where the speech that begins at `start` ends: at its closing mark, or with its paragraph.

    None when it would straddle the end of an emphasis, or when a lone straight quote never closes.
    """
    opening = tokens[start].content
    for at in range(start + 1, len(tokens)):
        if levels[at] < levels[start]:
            return None
        if levels[at] == levels[start] and tokens[at].type == "text" and tokens[at].content in QUOTES[opening]:
            return at
    return None if opening == '"' or levels[start] else len(tokens) - 1


_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("strikethrough")
# An indented paragraph is a paragraph, not code; a picture would fetch from elsewhere.
_markdown.disable(["code", "image"])
_markdown.core.ruler.push("speech", _set_speech_apart)

_cleaner = nh3.Cleaner(
    tags={"p", "br", "em", "strong", "s", "span", "blockquote", "ul", "ol", "li", "hr", "code", "pre", "a"},
    attributes={"a": {"href"}, "ol": {"start"}},
    allowed_classes={"span": {"speech"}, "p": {"heading"}},
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel="noopener noreferrer nofollow ugc",
)
