"""Looking for lanes that are due: one small index, however many chats there are."""

from dataclasses import dataclass

from django.conf import settings

from agent.subscriptions import sql
from agent.subscriptions.base import Projection, Reaction, Subscriber
from chat.log.models import Stream

_IN_USE = "(SELECT epoch FROM agent_subscriber WHERE name = %(name)s AND paused_at IS NULL)"
_DUE = """
FROM agent_bookmark b JOIN chat_stream s ON s.id = b.stream_id
WHERE b.subscriber_id = %(name)s AND b.epoch = {epoch} AND b.due_at <= NOW()
AND b.wedged_at IS NULL AND b.paused_at IS NULL{further} ORDER BY b.due_at LIMIT %(limit)s {hold}"""
_SUBSCRIBER = "SELECT 1 FROM agent_subscriber r WHERE r.name = %(name)s {hold}"
_UNLEASED = "(b.leased_until IS NULL OR b.leased_until < NOW())"
_FREE_SLOT = """%(slots)s > (
  SELECT count(*) FROM agent_bookmark l WHERE l.subscriber_id = %(name)s AND l.leased_until > NOW())"""
_NOT_SUSPENDED = "NOT EXISTS (SELECT 1 FROM agent_suspendedendpoint WHERE name = %(endpoint)s)"
_NO_REPLY = "NOT EXISTS (SELECT 1 FROM chat_generation g WHERE g.state = 'running' AND g.leased_until > NOW())"
_NAMED = "s.name = %(stream)s"
_ONLY = "b.id = %(only)s"
_STREAMS = "SELECT s.name"
_LANES = "SELECT b.id, b.epoch, b.position, s.id, s.name, s.version, s.head"
#: Up to the head that is read with the bookmark: whatever comes after it is noticed after it.
_LANE_AND_EVENT = """
SELECT b.id, b.fence, b.position, b.leased_until IS NOT NULL, (
  SELECT e.position FROM chat_event e
  WHERE e.stream_id = s.id AND e.position > b.position AND e.position <= s.head AND e.kind IN ({kinds})
  ORDER BY e.position LIMIT 1), EXISTS (SELECT 1 FROM chat_chat c WHERE c.id = s.id AND c.deleted_at IS NOT NULL),
  s.id, s.name, s.version, s.head"""


@dataclass(frozen=True, slots=True)
class ProjectionLane:
    """A lane of a Projection, held to the end of the transaction."""

    bookmark: int
    epoch: int
    position: int
    stream: Stream


@dataclass(frozen=True, slots=True)
class ReactionLane:
    """A lane of a Reaction, held to the end of the transaction."""

    bookmark: int
    fence: int
    position: int
    #: Whoever held it is gone.
    abandoned: bool
    #: The position of its next event; None: there is none.
    event: int | None
    #: Whether its chat is deleted: nobody waits for what a model would say of it.
    deleted: bool
    stream: Stream


def streams(subscriber: Subscriber, limit: int) -> list[str]:
    """The streams of up to `limit` lanes that could be claimed now, those due longest first."""
    statement = _STREAMS + _due(_UNLEASED)
    return [name for (name,) in sql.rows(statement, {"name": subscriber.name, "limit": limit})]


def hold_lane(reaction: Reaction, *, slots: int, endpoint: str = "", stream: str | None = None) -> ReactionLane | None:
    """Hold the lane that has been due longest, or the one of `stream`.

    None when none is, when `slots` lanes are leased, and while the endpoint is suspended or, with a single slot,
    writing a reply.
    """
    # Held, so that counting the leases and taking one is one step for every worker. A statement sees what was
    # committed when it began: the count has to be another one, begun after this one has waited.
    sql.rows(_SUBSCRIBER.format(hold=sql.hold("r")), {"name": reaction.name})
    kinds, parameters = sql.named("kind", reaction.kinds)
    conditions = [_UNLEASED, _FREE_SLOT, *([_NAMED] if stream is not None else [])]
    if endpoint:
        conditions += [_NOT_SUSPENDED, *([_NO_REPLY] if settings.MODEL_SLOTS == 1 else [])]
    found = sql.rows(
        _LANE_AND_EVENT.format(kinds=kinds) + _due(*conditions, hold=True),
        {
            "name": reaction.name,
            "limit": 1,
            "slots": slots,
            "endpoint": endpoint,
            "stream": stream,
            **parameters,
        },
    )
    if not found:
        return None
    bookmark, fence, position, abandoned, event, deleted = found[0][:6]
    return ReactionLane(bookmark, fence, position, bool(abandoned), event, bool(deleted), _stream(found[0][6:]))


def hold_lanes(
    projection: Projection, *, epoch: int | None, limit: int, only: int | None = None
) -> list[ProjectionLane]:
    """Hold up to `limit` lanes that are due, of the epoch in use or of another, also if it is paused."""
    statement = _LANES + _due(
        *([] if only is None else [_ONLY]),
        epoch=_IN_USE if epoch is None else "%(epoch)s",
        hold=True,
    )
    found = sql.rows(statement, {"name": projection.name, "epoch": epoch, "limit": limit, "only": only})
    return [ProjectionLane(row[0], row[1], row[2], _stream(row[3:])) for row in found]


def _due(*conditions: str, epoch: str = _IN_USE, hold: bool = False) -> str:
    locked = sql.hold("b", skip_locked=True) if hold else ""
    further = "".join(f" AND {condition}" for condition in conditions)
    return _DUE.format(epoch=epoch, further=further, hold=locked).replace("NOW()", sql.now())


def _stream(row: sql.Row) -> Stream:
    key, name, version, head = row
    return Stream(id=key, name=name, version=version, head=head)
