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
from chat.story.models import Chat, Meanwhile

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
    scenes = {scene.id: scene for scene in chat.scenes.all()}
    current: int | None = None
    elsewhere: int | None = None
    for turn in chat.turns.live().select_related("meanwhile").in_story_order().iterator():
        if turn.scene != current and (scene := scenes.get(turn.scene or 0)):
            yield f"\n## Scene {scene.number}{': ' + scene.title if scene.title else ''}\n"
        current = turn.scene
        cut = "" if turn.state == "complete" else f"\n\n*({turn.state})*"
        said = f"**{turn.speaker_name}:** {turn.text}{cut}\n"
        if turn.meanwhile is None:
            yield f"\n{said}"
        else:
            # One block, however many turns it has.
            begins = turn.meanwhile.id != elsewhere
            yield f"\n> *Meanwhile: {_about(turn.meanwhile)}*\n>\n" if begins else ">\n"
            yield _quoted(said)
        elsewhere = turn.meanwhile_id


def _about(meanwhile: Meanwhile) -> str:
    return " ".join(meanwhile.direction.split()) or " and ".join(meanwhile.names)


def _quoted(text: str) -> str:
    return "".join(f"> {line}".rstrip() + "\n" for line in text.splitlines())
