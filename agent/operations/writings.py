"""What operators are shown of a turn: what a new writing would undo, how it is coming along, and the older writings."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from agent.operations.operator import Operator
from agent.operations.performing import consulting
from agent.operations.turn import find_turn
from chat.errors import ChatError
from chat.story import rewriting
from chat.story.bonds import names_of
from chat.story.models import Chat, Turn
from chat.turns import generation, undoing, variants
from chat.turns.models import Generation
from chat.turns.numbers import number_of, writings_of
from chat.turns.standing import kept_down, with_standing
from chat.turns.undoing import Undone

#: Who may do either act may read what it is done to.
SEES = ("regenerate_turn", "restore_turn")
#: So soon after a reply has ended it begins to be seen to whether a silent witness speaks up.
MOMENT = timedelta(seconds=3)


class NoSuchWritingError(ChatError):
    """There is no such new writing: the server may have ended before it began."""

    status = 404


@dataclass(frozen=True, kw_only=True, slots=True)
class Writings:
    """A turn beside the other writings in its place."""

    chat: Chat
    turn: Turn
    #: The how manieth turn of its story it is, as players see it.
    number: int
    #: All of them, oldest first.
    all: list[Turn]
    #: Which of them each is, from 1, by id.
    writings: dict[int, int]
    #: The one that is read in the story; None when the turn was deleted.
    standing: Turn | None
    #: live, superseded or deleted.
    stands: str
    #: Why no writing of it can be brought back; "" when one can.
    kept_down: str
    #: What a new writing would take along; None when none can be begun of this turn.
    undone: Undone | None
    #: The same, each thing in a sentence.
    lines: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class NewWriting:
    """A new writing, under way or ended."""

    chat: Chat
    row: Generation
    #: As far as it is known here: a reply of another process is as old as its last checkpoint.
    text: str
    #: The turn it is a new writing of, and the turn that came of it.
    old: Turn
    new: Turn | None
    #: The how manieth turn of its story that is, and which of its writings each is.
    number: int
    writings: dict[int, int]
    interjection: Turn | None
    #: Whether anything is still being written for its turn group, or may be in a moment.
    under_way: bool


def may_see(by: Operator) -> bool:
    """Whether somebody may read turns here."""
    return any(by.may(act) for act in SEES)


def show_writings(turn_id: int, *, by: Operator) -> Writings:
    """A turn and its other writings. TurnNotFoundError (404)."""
    with consulting(by, *SEES):
        turn = find_turn(turn_id)
        chat = turn.chat
        found = variants.writings(chat, turn)
        can_be = turn.kind == Turn.Kind.ASSISTANT and turn.superseded_by is None
        gone = undoing.undone(chat, turn) if can_be else None
        return Writings(
            chat=chat,
            turn=turn,
            number=number_of(turn),
            all=found,
            writings={one.id: number for number, one in enumerate(found, start=1)},
            stands=with_standing(Turn.objects.filter(id=turn_id)).get().stands,
            kept_down=kept_down(turn),
            standing=next((one for one in found if one.superseded_by is None), None),
            undone=gone,
            lines=list(gone.lines(names_of(chat))) if gone else [],
        )


def show_new_writing(generation_id: str, *, by: Operator) -> NewWriting:
    """How a new writing is coming along, or what came of it. NoSuchWritingError (404)."""
    with consulting(by, *SEES) as now:
        row = _with_under_way(now).filter(id=generation_id).first()
        if row is None or row.rewrites is None:
            raise NoSuchWritingError
        old = find_turn(row.rewrites)
        chat = old.chat
        new = Turn.objects.filter(id=row.turn or 0).first()
        return NewWriting(
            chat=chat,
            row=row,
            text=_text_so_far(row),
            old=old,
            new=new,
            number=number_of(old),
            writings=writings_of(old),
            interjection=_interjection(chat, new) if new and new.superseded_by is None else None,
            under_way=row.under_way,
        )


def _interjection(chat: Chat, reply: Turn) -> Turn | None:
    return next(iter(rewriting.interjections_of(chat, reply)), None)


def _with_under_way(now: datetime) -> "QuerySet[Generation, Any]":
    """Each with whether it is `under_way`, as of one moment."""
    group = {"chat": OuterRef("chat"), "group": OuterRef("group")}
    running = Exists(Generation.objects.filter(state=Generation.State.RUNNING, **group))
    return Generation.objects.annotate(under_way=running | Q(ended_at__gt=now - MOMENT))


def _text_so_far(row: Generation) -> str:
    running = generation.in_flight_tasks.get(row.chat_id)
    return running.text if running is not None and running.generation == row.id else row.text
