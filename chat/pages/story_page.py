"""What the chat page shows of a chat: a window of its turns, the cast, and the reply that is due."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.text import get_text_list

from chat.errors import ChatError
from chat.log import read
from chat.log.text import whole
from chat.pages import lists, notices, told, tour
from chat.story.access import get_chat_for
from chat.story.models import END, Chat, Meanwhile, Turn, stream_of
from chat.templatetags.story_text import render_mark, render_turn
from chat.turns import generation, marks, transcript, variants
from chat.turns.models import Generation

#: Of a page opened at one turn, those that come after it.
TURNS_AFTER = 25
#: Names in a row before the rest are only counted.
NAMED = 4

type Cards = dict[int, dict[str, Any]]
type Context = dict[str, Any]


class NoSuchPlaceError(ChatError):
    """A place in the story is a number."""

    status = 400


@dataclass(frozen=True, slots=True)
class Member:
    """One of the cast, as the page shows it."""

    character: int
    name: str
    card: dict[str, Any]
    present: bool


@dataclass(frozen=True, slots=True)
class Item:
    """What stands in the transcript: a turn, or a mark between turns (then `turn` is None)."""

    html: SafeString
    turn: Turn | None = None
    #: A player's turn that waits for the reply after the running one.
    queued: bool = False


def story_page(request: HttpRequest, chat_id: int, *, draft: str = "", refusal: str = "") -> Context:
    """Everything the chat page needs; `draft` and `refusal` are what a browser without scripts gets back.

    ChatNotFoundError where it is not there for who asks.
    """
    # Before all else is read: what is recorded meanwhile comes over the wire again, and is dropped there.
    position = read.head(stream_of(chat_id))
    chat = get_chat_for(request.user, chat_id)
    page, detached = _window(request, chat)
    head = head_and_panel(request, chat)
    return head | {
        "position": position,
        "detached": detached,
        "last": page.turns[-1] if page.turns else None,
        "more": page.more,
        "turns": items(chat, page, head["cast"], head["notice"]),
        "sections": lists.chat_list(request.user),
        "model": notices.model_notice(request.user),
        "draft": draft,
        "refusal": refusal,
    }


def older_page(chat: Chat, before: int | None) -> Context:
    """A window of turns alone: those before a place, or the newest."""
    page = transcript.newest(chat, before=before)
    notice = transcript.pending_notice(chat) if before is None else None
    return {
        "chat": chat,
        "more": page.more,
        "turns": items(chat, page, cast(chat), notice),
    }


def head_and_panel(request: HttpRequest, chat: Chat) -> Context:
    """The parts round the transcript: header, cast and scene, and the reply that is due."""
    members = cast(chat)
    notice = transcript.pending_notice(chat)
    kept = tour.kept_for(request.user, chat)
    return {
        "chat": chat,
        "cast": members,
        "hearers": hearers(members),
        "elsewhere": sorted(members, key=lambda member: member.present),
        "notice": notice,
        "tour": kept.tour,
        "enter_sends": kept.enter_sends,
        "written": _written(chat, notice),
        "asked_here": notice is not None and told.asked_here(request, notice.id),
        "card": _cards(members).get(notice.speaker) if notice else None,
        **_dress(notice),
    }


def cast(chat: Chat) -> list[Member]:
    """The cast, those present first."""
    members = [
        Member(row.character, row.name, row.card, row.character in chat.present) for row in chat.cast.order_by("id")
    ]
    return sorted(members, key=lambda member: not member.present)


def hearers(members: list[Member]) -> str:
    """Who hears what is said now, and who does not; "" when nobody is present."""
    here = [member.name for member in members if member.present]
    away = [member.name for member in members if not member.present]
    if not here:
        return ""
    heard = f"{_listed(here)} {'hears' if len(here) == 1 else 'hear'} what is said now."
    return f"{heard} {_listed(away)} will not know of it." if away else heard


def items(chat: Chat, page: transcript.Page, members: list[Member], notice: Generation | None) -> list[Item]:
    """The window as HTML, turns and marks in story order; while somebody speaks, those that wait for it say so."""
    running = notice if notice and notice.state == Generation.State.RUNNING else None
    # A new writing, or a meanwhile, answers nothing that was said since.
    answered = max(running.answers_up_to, chat.answered_to) if running else END
    cards, names = _cards(members), {member.character: member.name for member in members}
    first = page.turns[0].place if page.more else 0
    found = marks.between(chat, first=first, before=page.before, names=names)
    numbers, outdated = variants.of_page(chat, page.turns)
    return [
        Item(render_mark(one))
        if isinstance(one, marks.Mark)
        else Item(
            render_turn(one, chat, cards, writing=numbers[one.id], outdated=outdated.get(one.id)),
            one,
            queued=one.kind == Turn.Kind.USER and one.place > answered,
        )
        for one in marks.interleaved(page.turns, found)
    ]


def _listed(names: list[str]) -> str:
    if len(names) > NAMED:
        names = [*names[: NAMED - 1], f"{len(names) - NAMED + 1} others"]
    return get_text_list(names, "and")


def place_in(request: HttpRequest, name: str) -> int | None:
    """A place given in the address; None when it is not there. NoSuchPlaceError for rubbish."""
    given = request.GET.get(name, "")
    if not given:
        return None
    place = whole(given)
    if place is None:
        raise NoSuchPlaceError
    return place


def _window(request: HttpRequest, chat: Chat) -> tuple[transcript.Page, bool]:
    """The turns to show, and whether newer ones were left out."""
    before, at = place_in(request, "before"), place_in(request, "at")
    if before is None and at is not None:
        page = transcript.newest(chat)
        if not page.more or page.turns[0].place <= at:
            return page, False
        before = _end_of_window(chat, at)
    return transcript.newest(chat, before=before), before is not None


def _end_of_window(chat: Chat, at: int) -> int | None:
    following = chat.turns.live().filter(place__gt=at).in_story_order().values_list("place", flat=True)
    return next(iter(following[TURNS_AFTER : TURNS_AFTER + 1]), None)


def _cards(members: list[Member]) -> Cards:
    return {member.character: member.card for member in members}


def _dress(notice: Generation | None) -> Context:
    """As what the reply that is due will stand: in a meanwhile, or as an interjection."""
    if notice is None:
        return {}
    rewritten = Turn.objects.filter(id=notice.rewrites).first() if notice.rewrites else None
    return {
        "meanwhile": Meanwhile.objects.filter(id=notice.meanwhile).first() if notice.meanwhile else None,
        "interjects": bool(notice.follows or (rewritten and rewritten.interjection_of)),
    }


def _written(chat: Chat, notice: Generation | None) -> str:
    """The running reply so far: from this process's memory where it runs here, else as last checkpointed."""
    if notice is None:
        return ""
    running = generation.in_flight_tasks.get(chat.id)
    return running.text if running is not None and running.generation == notice.id else notice.text
