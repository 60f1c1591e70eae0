"""Which writing of a turn stands: superseding, editing, deleting and restoring, each in one transaction.

Whatever falls takes along what it had caused, and whatever rises brings it back (`story.rewriting`).
"""

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import QuerySet

from chat.errors import ChatError
from chat.log.streams import lock
from chat.log.text import clean
from chat.statements import composed
from chat.story import rewriting, writer
from chat.story.models import Chat, Turn
from chat.story.payloads import AssistantTurn, Payload, UserTurn
from chat.story.rewriting_payloads import TurnDeleted, TurnRestored, TurnSuperseded
from chat.turns.chats import source
from chat.turns.claims import ReplyRunningError, find_turn
from chat.turns.limits import TURN_CHARACTERS, TurnTooLongError
from chat.turns.models import Generation
from chat.turns.standing import is_deleted, refuse_fallen, refuse_unasked, standing_beside

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class EmptyTurnError(ChatError):
    """A turn needs at least one word. Delete it if it should be gone."""

    status = 422


class StandsAlreadyError(ChatError):
    """This writing stands already."""

    status = 409


class NotDeletedError(ChatError):
    """This turn was not deleted, or another writing stands in its place by now."""

    status = 409


def succeed(chat_id: int, *, old: int, new: int, whole: bool) -> list[Payload]:
    """What follows when a new writing of `old` was recorded, under the stream's lock.

    A whole one supersedes what it rewrites, with its interjection and all that both had caused. One that was cut
    off, or that something else forestalled, is superseded itself; nothing is undone then.
    """
    before = Turn.objects.select_related("chat").get(id=old, chat=chat_id)
    chat = before.chat
    standing = before if before.superseded_by is None else standing_beside(before, but=new)
    if standing is None:
        return _after_fallen(chat_id, before, new)
    if not whole or standing.id != old:
        return [TurnSuperseded(turn=new, by=standing.id)]
    return _fall(chat, before, by=new)


def _after_fallen(chat_id: int, before: Turn, new: int) -> list[Payload]:
    """The same where nothing stands in the place: the new writing goes as the old one went.

    But an interjection that is redone with its reply stands: the old one fell before the new one was asked for.
    """
    if is_deleted(before):
        return [TurnDeleted(turn=new)]
    asked = Generation.objects.filter(id__in=Turn.objects.filter(id=new).values("generation"))
    if before.went_with is None or asked.exclude(follows=None).exists():
        return []
    return forestalled(chat_id, reply=before.went_with, interjection=new)


def forestalled(chat_id: int, *, reply: int, interjection: int) -> list[Payload]:
    """What follows when an interjection was recorded whose reply fell while it was spoken: it falls with it.

    Under the stream's lock. Nothing, while the reply or an edit of it stands.
    """
    primary = Turn.objects.select_related("chat").get(id=reply, chat=chat_id)
    if primary.superseded_by is None:
        return []
    chat, line = primary.chat, rewriting.line_of(primary.chat, primary)
    standing = standing_beside(primary)
    if standing is None:
        return [TurnDeleted(turn=interjection, went_with=line)]
    if rewriting.line_of(chat, standing) == line:
        return []
    return [TurnSuperseded(turn=interjection, by=standing.id, went_with=line)]


def unasked(chat_id: int, *, group: int, reply: int) -> list[Payload]:
    """What follows when a reply was recorded to a player's turn that was deleted while it was claimed: it goes along.

    Under the stream's lock, which a claim does not take.
    """
    asked = _asked_in(chat_id, group)
    if not asked or any(one.superseded_by is None for one in asked):
        return []
    return [TurnDeleted(turn=reply, went_with=rewriting.line_of(asked[0].chat, asked[0]))]


@composed
def _asked_in(chat: int, group: int) -> "QuerySet[Turn]":
    return Turn.objects.filter(chat=chat, group=group, kind=Turn.Kind.USER).order_by("id")


def edit(chat: Chat, *, turn: int, text: str, by: "User") -> int:
    """Say a turn otherwise; the id of the new writing, which is read again.

    Raises TurnNotFoundError, NotStandingError, EmptyTurnError and TurnTooLongError.
    """
    text = _checked(text)
    with transaction.atomic():
        lock(chat.stream)
        before = _live(chat, turn)
        if before.text == text:
            return before.id
        written = writer.write(chat.id, [_edited(before, text)], source(by)).events[0].position
        superseded = TurnSuperseded(turn=before.id, by=written)
        reverted = rewriting.reverting(chat.id, fallen={before.id}, turn=before.id)
        writer.write(chat.id, [superseded, *reverted], source(by))
    return written


def delete(chat: Chat, *, turn: int, by: "User") -> None:
    """Take a turn out of the story, a player's with its turn group; `restore` brings back all of it.

    Raises TurnNotFoundError, NotStandingError, and ReplyRunningError while a reply is written for it.
    """
    with transaction.atomic():
        lock(chat.stream)
        gone = _live(chat, turn)
        if Generation.objects.filter(chat=chat, state=Generation.State.RUNNING, group=gone.group).exists():
            raise ReplyRunningError
        along, line = _taken_along(chat, gone), rewriting.line_of(chat, gone)
        deleted = [TurnDeleted(turn=gone.id), *(TurnDeleted(turn=one.id, went_with=line) for one in along)]
        reverted = rewriting.reverting(chat.id, fallen={gone.id, *(one.id for one in along)}, turn=gone.id)
        writer.write(chat.id, [*deleted, *reverted], source(by))


def undelete(chat: Chat, *, turn: int, by: "User") -> None:
    """Bring a deleted turn back, with what went with it.

    Raises TurnNotFoundError, AnswersNothingError, and NotDeletedError when it was not deleted, or its place is taken.
    """
    with transaction.atomic():
        lock(chat.stream)
        gone = find_turn(chat, turn)
        if not is_deleted(gone) or standing_beside(gone) is not None:
            raise NotDeletedError
        _rise(chat, gone, by)


def restore(chat: Chat, *, turn: int, by: "User") -> None:
    """Let another writing stand again, with the interjection that fell with it and the state both had caused.

    What stands in its place is superseded. Raises TurnNotFoundError, StandsAlreadyError and AnswersNothingError.
    """
    with transaction.atomic():
        lock(chat.stream)
        risen = find_turn(chat, turn)
        if risen.superseded_by is None:
            raise StandsAlreadyError
        _rise(chat, risen, by)


def interjection_gone_with(reply: int) -> int | None:
    """The interjection that fell when this reply was rewritten, and that would come back with it."""
    fallen = Turn.objects.select_related("chat").get(id=reply)
    along = rewriting.gone_along(fallen.chat, [fallen])[fallen.id]
    return along[-1] if along else None


def _rise(chat: Chat, risen: Turn, by: "User") -> None:
    refuse_unasked(risen)
    fallen: list[Payload] = []
    if (standing := standing_beside(risen)) is not None:
        alone = rewriting.line_of(chat, standing) == rewriting.line_of(chat, risen)
        fallen = _fall(chat, standing, by=risen.id, alone=alone)
    gone = {payload.turn for payload in fallen if isinstance(payload, TurnSuperseded)}
    group = chat.turns.filter(group=risen.group)
    instead = {one.place: one.id for one in group.filter(id__in=gone)}
    taken = set(group.live().exclude(id__in=gone).values_list("place", flat=True))
    along = rewriting.coming_along(chat, [risen])[risen.id]
    together = [risen, *(one for one in along if one.place not in {*taken, risen.place})]
    restored = [TurnRestored(turn=one.id, instead_of=instead.get(one.place)) for one in together]
    writer.write(chat.id, [*fallen, *restored], source(by))
    for one in together:
        writer.write(chat.id, rewriting.resuming(chat.id, one), source(by))


def _fall(chat: Chat, turn: Turn, *, by: int, alone: bool = False) -> list[Payload]:
    """What is written when a turn falls: itself, its interjection (unless it falls alone), what both had caused."""
    interjections = [] if alone else rewriting.interjections_of(chat, turn)
    superseded = [TurnSuperseded(turn=turn.id, by=by)]
    if interjections:
        line = rewriting.line_of(chat, turn)
        superseded += [TurnSuperseded(turn=one.id, by=by, went_with=line) for one in interjections]
    fallen = {one.turn for one in superseded}
    return [*superseded, *rewriting.reverting(chat.id, fallen=fallen, turn=turn.id)]


def _taken_along(chat: Chat, turn: Turn) -> list[Turn]:
    if turn.kind == Turn.Kind.USER:
        return list(chat.turns.live().filter(group=turn.group).exclude(id=turn.id).order_by("place", "id"))
    return rewriting.interjections_of(chat, turn)


def _edited(before: Turn, text: str) -> Payload:
    if before.kind == Turn.Kind.USER or before.speaker is None:
        return UserTurn(text=text, regenerated_from=before.id)
    return AssistantTurn(
        speaker=before.speaker,
        text=text,
        group=before.group,
        regenerated_from=before.id,
        interjection_of=before.interjection_of,
        meanwhile=before.meanwhile_id,
    )


def _live(chat: Chat, turn: int) -> Turn:
    found = find_turn(chat, turn)
    refuse_fallen(found)
    return found


def _checked(text: str) -> str:
    text = clean(text).strip()
    if not text:
        raise EmptyTurnError
    if len(text) > TURN_CHARACTERS:
        raise TurnTooLongError
    return text
