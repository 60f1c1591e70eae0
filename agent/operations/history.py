"""The history of a thing: what operators decided about it."""

from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet

from agent.models import ApiToken, Attempt, AuditEntry, Bookmark, DismissedEvent, Subscriber
from agent.operations.audit import Sought, list_decisions
from agent.operations.command import address
from agent.operations.operator import Operator
from agent.operations.performing import consulting
from agent.operations.registering import Decided
from agent.operations.tokens import CreateToken
from chat.errors import ChatError
from chat.log.models import Event, Stream
from chat.story.fact_models import Decision
from chat.story.models import Chat, Turn
from chat.turns.numbers import number_of

#: Decisions that are listed.
SHOWN = 100


class NoSuchRowError(ChatError):
    """There is no such thing, or it is of a kind that operators do not decide about."""

    status = 404


@dataclass(frozen=True, slots=True)
class History:
    """What was decided about a thing, the newest first."""

    #: What people call the thing.
    name: str
    #: Where the audit has them, or the first of them.
    sought: Sought
    decisions: list[Decided]


def show_history(rows: "QuerySet[Model]", key: str, *, by: Operator) -> History:
    """The Decisions about one of these rows. NotPermittedError before it is looked up, NoSuchRowError (404)."""
    with consulting(by, "view_audit"):
        row = _find(rows, key)
        about = None if row is None else _about(row)
        if about is None:
            raise NoSuchRowError
        name, *sought = about
        found = {one.decision_id: one for part in sought for one in list_decisions(part, limit=SHOWN, by=by)}
        return History(name, sought[0], [found[id_] for id_ in sorted(found, reverse=True)])


def _find(rows: "QuerySet[Model]", key: str) -> Model | None:
    try:
        return rows.filter(pk=key).first()
    except (ValueError, ValidationError):
        return None


def _about(row: Model) -> tuple[str, *tuple[Sought, ...]] | None:
    """What a row is called, and which Decisions are about it; what belongs to a chat has that chat's."""
    match row:
        case Bookmark() | Attempt() | Subscriber() | DismissedEvent():
            return _about_subscriber(row)
        case Chat() | Turn() | Decision():
            return _about_story(row)
        case Stream():
            return row.name, Sought(stream=row.name)
        case Event():
            return f"event {row.position}", Sought(event=row.position)
        case ApiToken():
            # The Decision on its making tells only its name, which others may have too; they are of one moment.
            made, moment = row.created_at, timedelta(microseconds=1)
            making = Sought(act=CreateToken.act, principal=row.user_id, since=made, until=made + moment)
            return f"the token “{row.name}”", making, Sought(target=address({"token": row.pk}))
        case _:
            chat = getattr(row, "chat", None)
            return _about_story(chat) if isinstance(chat, Chat) else None


def _about_story(row: Chat | Turn | Decision) -> tuple[str, Sought]:
    match row:
        case Chat():
            return f"“{row.title}”", Sought(stream=row.stream)
        case Turn():
            name = f"turn {number_of(row)} of “{row.chat.title}”"
            return name, Sought(stream=row.chat.stream, event=row.id)
        case Decision():
            stream = row.chat.stream
            return f"decision {row.id}", Sought(stream=stream, target=address({"caution": row.id, "stream": stream}))


def _about_subscriber(row: Bookmark | Attempt | Subscriber | DismissedEvent) -> tuple[str, Sought]:
    match row:
        case Bookmark():
            stream = row.stream.name
            return f"{row.subscriber_id} / {stream}", Sought(subscriber=row.subscriber_id, stream=stream)
        case Attempt():
            return _about_subscriber(row.bookmark)
        case Subscriber():
            return row.name, Sought(subscriber=row.name)
        case DismissedEvent():
            # One that was skipped with another: what was decided was about that other event.
            decision = AuditEntry.objects.filter(decision_id=row.decision).first()
            event = decision.event if decision else row.event
            return f"event {row.event}", Sought(subscriber=row.subscriber, event=event)
