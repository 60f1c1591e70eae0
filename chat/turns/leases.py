"""The Generation row while a reply is written: checkpointing it, asking it to stop, settling it.

Settling is fenced: its first statement changes the row only while it still runs, so that a process which lost its
lease writes nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from chat.errors import ChatError
from chat.statements import composed, composed_update
from chat.story import writer
from chat.story.models import Turn
from chat.story.payloads import AssistantTurn, Payload, TurnState
from chat.turns.claims import NOBODY, Claim, card_of, claim_of, lease_end
from chat.turns.models import Generation
from chat.turns.rewriting import forestalled, succeed, unasked


class LeaseLostError(ChatError):
    """This reply was settled by someone else meanwhile."""

    status = 409


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """How a reply ended; `error` is the sentence shown for a failure."""

    state: Generation.State
    text: str = ""
    error: str = ""
    thinking: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    first_token_ms: int | None = None
    duration_ms: int | None = None


def note_prompt(generation: str, *, model: str, prompt: dict[str, Any]) -> None:
    """Keep what is about to be sent, for "Why this reply"."""
    Generation.objects.filter(id=generation).update(model=model, prompt=prompt)


def checkpoint(generation: str, text: str) -> bool:
    """Keep the text so far and extend the lease; whether a stop was asked for. Raises LeaseLostError."""
    # One statement in the usual case: with many replies at once this is most of what the database is asked.
    if _checkpoint_unless_stopped(generation, text):
        return False
    if Generation.objects.filter(id=generation, state=Generation.State.RUNNING).update(
        text=text, leased_until=lease_end()
    ):
        return True
    raise LeaseLostError


@composed_update
def _checkpoint_unless_stopped(generation: str, text: str) -> "tuple[QuerySet[Generation], dict[str, Any]]":
    mine = Generation.objects.filter(id=generation, state=Generation.State.RUNNING, stop_requested_at=None)
    return mine, {"text": text, "leased_until": lease_end()}


def request_stop(chat_id: int) -> bool:
    """Ask the chat's running reply to stop, wherever it runs; whether there is one.

    Between two replies the newest is marked, and what was to go on from it does not begin (see `stopped`).
    """
    of_chat = Generation.objects.filter(chat_id=chat_id)
    newest = of_chat.order_by("-started_at").values("id")[:1]
    of_chat.filter(id__in=newest, stop_requested_at=None).update(stop_requested_at=Now())
    # After it: whoever held the newest to begin the next has begun by now, and is told here.
    return bool(of_chat.filter(state=Generation.State.RUNNING).update(stop_requested_at=Now()))


def stopped(chat_id: int) -> bool:
    """Whether the chat's newest reply was told to stop, however it ended.

    Asked in the transaction that claims what goes on from it: the row is held, so that a stop comes before or after.
    """
    return any(_newest_stop(chat_id))


@composed
def _newest_stop(chat: int) -> "QuerySet[Generation, datetime | None]":
    newest = Generation.objects.select_for_update(no_key=True).filter(chat=chat).order_by("-started_at")
    return newest.values_list("stop_requested_at", flat=True)[:1]


def stop_requested(generation: str) -> bool:
    """Whether a stop was asked for."""
    return Generation.objects.filter(id=generation).exclude(stop_requested_at=None).exists()


def settle(claim: Claim, how: Settled, *, at: datetime) -> int | None:
    """End a reply: its row and what it left in the log, in one transaction; the turn, if any text was kept.

    A new writing supersedes the turn it rewrites, with all that had caused, when it is whole, and is itself
    superseded when it is not.
    Raises LeaseLostError, and then nothing is written.
    """
    with transaction.atomic():
        row = Generation.objects.filter(id=claim.generation, state=Generation.State.RUNNING)
        if not row.update(
            state=how.state,
            text=how.text,
            error=how.error,
            thinking=how.thinking,
            ended_at=at,
            prompt_tokens=how.prompt_tokens,
            completion_tokens=how.completion_tokens,
            first_token_ms=how.first_token_ms,
            duration_ms=how.duration_ms,
        ):
            raise LeaseLostError
        if not how.text or how.state in {Generation.State.FAILED, Generation.State.NOBODY}:
            return None
        turn = _record(claim, how, at)
        _note_turn(claim.generation, turn)
        return turn


def counted(claim: Claim, how: Settled) -> Settled:
    """How a reply ended: an interjection that left no text counts as none."""
    left_text = how.text and how.state != Generation.State.FAILED
    return how if claim.follows is None or left_text else replace(how, state=Generation.State.NOBODY)


def expired() -> list[Claim]:
    """The claims whose lease has passed: their process is gone."""
    gone = Generation.objects.filter(state=Generation.State.RUNNING, leased_until__lt=Now())
    return [claim_of(row, card_of(row.chat_id, row.speaker) if row.speaker else NOBODY) for row in gone]


def _record(claim: Claim, how: Settled, at: datetime) -> int:
    states: dict[Generation.State, TurnState] = {
        Generation.State.FINISHED: "complete",
        Generation.State.STOPPED: "stopped",
        Generation.State.INTERRUPTED: "interrupted",
    }
    [model] = _model(claim.generation)
    said: Payload = AssistantTurn(
        speaker=claim.speaker.id,
        text=how.text,
        state=states[how.state],
        group=claim.group,
        regenerated_from=claim.rewrites,
        interjection_of=_primary_speaker(claim),
        meanwhile=claim.meanwhile,
        generation=claim.generation,
        model=model,
        prompt_tokens=how.prompt_tokens,
        completion_tokens=how.completion_tokens,
        first_token_ms=how.first_token_ms,
        duration_ms=how.duration_ms,
    )
    source = writer.Source(
        actor=claim.asked_by or "system", at=at, causation=claim.group, correlation=f"exchange-{claim.group}"
    )
    turn = writer.write(claim.chat, [said], source).events[0].position
    writer.write(claim.chat, _aftermath(claim, turn, whole=how.state == Generation.State.FINISHED), source)
    return turn


@composed_update
def _note_turn(generation: str, turn: int) -> "tuple[QuerySet[Generation], dict[str, Any]]":
    return Generation.objects.filter(id=generation), {"turn": turn}


@composed
def _model(generation: str) -> "QuerySet[Generation, str]":
    return Generation.objects.filter(id=generation).values_list("model", flat=True)


def _aftermath(claim: Claim, turn: int, *, whole: bool) -> list[Payload]:
    """What falls because of a turn that was just recorded, or that turn itself."""
    if claim.follows is not None and (fallen := forestalled(claim.chat, reply=claim.follows, interjection=turn)):
        return fallen
    if claim.rewrites:
        return succeed(claim.chat, old=claim.rewrites, new=turn, whole=whole)
    return unasked(claim.chat, group=claim.group, reply=turn) if claim.follows is None else []


def _primary_speaker(claim: Claim) -> int | None:
    """Of an interjection: who spoke before; of a new writing: what the old one had."""
    if claim.rewrites is not None:
        return Turn.objects.values_list("interjection_of", flat=True).get(id=claim.rewrites)
    return None if claim.follows is None else Turn.objects.values_list("speaker", flat=True).get(id=claim.follows)
