"""What the chat page shows of a chat: a window of its turns, the cast, and the reply that is due."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.safestring import SafeString

from chat.errors import ChatError
from chat.log import read
from chat.pages import lists, notices
from chat.pages.models import Preference
from chat.story.models import Chat, Scene, Turn
from chat.templatetags.story_text import render_turn
from chat.turns import generation, transcript
from chat.turns.models import Generation

#: Of a page opened at one turn, those that come after it.
TURNS_AFTER = 25

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
    """A turn of the transcript with what stands before and after it."""

    turn: Turn
    html: SafeString
    #: The scene that this turn is the first of in this window.
    opens: Scene | None
    #: It is the window's first turn, so only the turns before can tell whether the scene opens here.
    joint: bool
    queued: bool


def story_page(request: HttpRequest, chat: Chat, *, draft: str = "", refusal: str = "") -> Context:
    """Everything the chat page needs; `draft` and `refusal` are what a browser without scripts gets back."""
    # Before the turns are read: what is recorded meanwhile comes over the wire again, and is dropped there.
    position = read.head(chat.stream)
    page, detached = _window(request, chat)
    head = head_and_panel(chat)
    return head | {
        "position": position,
        "detached": detached,
        "last": page.turns[-1] if page.turns else None,
        "more": page.more,
        "turns": items(chat, page, _cards(head["cast"]), head["notice"]),
        "sections": lists.chat_list(request.user),
        "model": notices.model_notice(request.user),
        "enter_sends": enter_sends(request),
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
        "turns": items(chat, page, _cards(cast(chat)), notice),
    }


def head_and_panel(chat: Chat) -> Context:
    """The parts round the transcript: header, cast and scene, and the reply that is due."""
    members = cast(chat)
    notice = transcript.pending_notice(chat)
    return {
        "chat": chat,
        "cast": members,
        "notice": notice,
        "written": _written(chat, notice),
        "card": _cards(members).get(notice.speaker) if notice else None,
    }


def cast(chat: Chat) -> list[Member]:
    """The cast, those present first."""
    members = [
        Member(row.character, row.name, row.card, row.character in chat.present) for row in chat.cast.order_by("id")
    ]
    return sorted(members, key=lambda member: not member.present)


def items(chat: Chat, page: transcript.Page, cards: Cards, notice: Generation | None) -> list[Item]:
    """The window's turns as HTML, with scene breaks and with those that wait for the next reply marked."""
    running = notice if notice and notice.state == Generation.State.RUNNING else None
    scenes = Scene.objects.in_bulk({turn.scene for turn in page.turns if turn.scene is not None})
    found, scene = [], None
    for at, turn in enumerate(page.turns):
        opens = scenes.get(turn.scene) if turn.scene is not None and turn.scene != scene else None
        scene = turn.scene
        found.append(
            Item(
                turn=turn,
                html=render_turn(turn, chat, cards),
                opens=opens,
                joint=at == 0 and page.more,
                queued=bool(running and turn.kind == Turn.Kind.USER and turn.place > running.answers_up_to),
            )
        )
    return found


def enter_sends(request: HttpRequest) -> bool:
    """Whether Enter sends, for this player."""
    kept = Preference.objects.filter(user__pk=request.user.pk or 0).values_list("enter_sends", flat=True).first()
    return True if kept is None else kept


def place_in(request: HttpRequest, name: str) -> int | None:
    """A place given in the address; None when it is not there. NoSuchPlaceError for rubbish."""
    given = request.GET.get(name, "")
    if not given:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) < len(str(2**63))):
        raise NoSuchPlaceError
    return int(given)


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


def _written(chat: Chat, notice: Generation | None) -> str:
    """The running reply so far: from this process's memory where it runs here, else as last checkpointed."""
    if notice is None:
        return ""
    running = generation.in_flight_tasks.get(chat.id)
    return running.text if running is not None and running.generation == notice.id else notice.text
