"""What an outcome does to the story: under the stream's lock, if the turn still stands."""

from django.utils import timezone

from agent.models import Attempt
from agent.subscriptions import sql
from agent.subscriptions.base import Done, Outcome, Skip, chat_of
from agent.subscriptions.history import End
from agent.subscriptions.lanes import Claim
from chat.errors import ChatError
from chat.log.streams import lock
from chat.story import writer
from chat.story.models import Turn, stream_of

State = Attempt.Outcome
_TURNS = set(Turn.Kind.values)
_SUPERSEDED = """
SELECT id FROM chat_turn WHERE chat_id = %(chat)s AND id IN ({turns}) AND superseded_by IS NOT NULL ORDER BY id"""


class OutdatedError(ChatError):
    """The answer rests on another turn, which was superseded meanwhile."""

    status = 409
    transient = True


def take_effect(claim: Claim, outcome: Outcome) -> End:
    """Write the events of an outcome in the caller's transaction, and say how the Attempt ends.

    Raises OutdatedError, before anything is written, when the Reaction is to be asked anew.
    """
    match outcome:
        case Skip(why=why):
            return End(outcome=State.SKIPPED, note=why)
        case Done():
            return _write(claim, outcome)


def _write(claim: Claim, done: Done) -> End:
    chat = chat_of(claim.event)
    # From here on nobody supersedes: what is looked at now holds until the commit.
    stream = lock(stream_of(chat))
    gone = _superseded(chat, claim, done)
    if claim.event.position in gone:
        return End(outcome=State.DISCARDED, note=f"turn {claim.event.position} was superseded meanwhile")
    if gone:
        raise OutdatedError
    payloads = done.payloads() if callable(done.payloads) else done.payloads
    writer.write_held(stream, payloads, _source(claim))
    return End(outcome=State.DONE, note=done.note)


def _superseded(chat: int, claim: Claim, done: Done) -> list[int]:
    """The turns that the outcome rests on and that no longer stand."""
    rests_on = [*done.turns, *([claim.event.position] if claim.event.kind in _TURNS else [])]
    if not rests_on:
        return []
    turns, parameters = sql.named("turn", rests_on)
    return [turn for (turn,) in sql.rows(_SUPERSEDED.format(turns=turns), {"chat": chat, **parameters})]


def _source(claim: Claim) -> writer.Source:
    """Under a key for the first event alone: what is appended in one go is there as a whole or not at all."""
    return writer.Source(
        actor=f"reaction:{claim.reaction}",
        at=timezone.now(),
        causation=claim.event.position,
        correlation=claim.event.correlation,
        key=f"{claim.reaction}:{claim.event.position}:0",
    )
