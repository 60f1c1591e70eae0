"""Files: portraits for those who may see them, and a story as Markdown."""

import re
from collections.abc import Iterator

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from chat.pages.answers import signed_in
from chat.story.access import get_chat_for, may_see_portrait
from chat.story.models import Chat, Meanwhile, Turn
from chat.turns import marks

PORTRAIT_NAME = re.compile(r"[0-9a-f]{64}\.webp")


@require_safe
@signed_in
def portrait(request: HttpRequest, name: str) -> HttpResponse:
    """A portrait, for those who own or play with its character."""
    path = settings.MEDIA_ROOT / "portraits" / name
    if not PORTRAIT_NAME.fullmatch(name) or not may_see_portrait(request.user, name) or not path.is_file():
        raise Http404
    answer = HttpResponse(path.read_bytes(), content_type="image/webp")
    # Named by its content: it never changes. Private: not for a proxy to hand to others.
    answer["Cache-Control"] = "private, max-age=31536000, immutable"
    return answer


@require_safe
@signed_in
def download(request: HttpRequest, chat_id: int) -> HttpResponse:
    """The whole story as a Markdown file."""
    chat = get_chat_for(request.user, chat_id)
    answer = HttpResponse("".join(_markdown(chat)), content_type="text/markdown; charset=utf-8")
    name = f"{slugify(chat.title, allow_unicode=True) or 'story'}.md"
    disposition = content_disposition_header(as_attachment=True, filename=name)
    answer["Content-Disposition"] = disposition or "attachment"
    return answer


def _markdown(chat: Chat) -> Iterator[str]:
    yield f"# {chat.title}\n"
    if chat.premise:
        yield f"\n{_quoted(chat.premise)}"
    names = dict(chat.cast.values_list("character", "name"))
    turns = chat.turns.live().select_related("meanwhile").in_story_order().iterator()
    elsewhere: int | None = None
    for one in marks.interleaved(turns, marks.between(chat, names=names)):
        if isinstance(one, marks.Mark):
            yield _marked(one)
            elsewhere = None
        elif one.meanwhile is None:
            yield f"\n{_said(one)}"
            elsewhere = None
        else:
            # One block, however many turns it has.
            yield ">\n" if one.meanwhile.id == elsewhere else f"\n> *Meanwhile: {_about(one.meanwhile)}*\n>\n"
            yield _quoted(_said(one))
            elsewhere = one.meanwhile.id


def _marked(mark: marks.Mark) -> str:
    if not mark.number:
        return f"\n*{mark.sentence}*\n"
    present = f"\n*{', '.join(mark.names)}*\n" if mark.names else ""
    return f"\n## Scene {mark.number}{': ' + mark.title if mark.title else ''}\n{present}"


def _said(turn: Turn) -> str:
    cut = "" if turn.state == "complete" else f"\n\n*({turn.state})*"
    return f"**{turn.speaker_name}:** {turn.text}{cut}\n"


def _about(meanwhile: Meanwhile) -> str:
    return " ".join(meanwhile.direction.split()) or " and ".join(meanwhile.names)


def _quoted(text: str) -> str:
    return "".join(f"> {line}".rstrip() + "\n" for line in text.splitlines())
