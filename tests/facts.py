"""Making facts in tests: by the payloads themselves, or by letting the Reactions read without the runtime."""

import asyncio
from collections.abc import Sequence

from django.utils import timezone

from agent.reactions.caution_drafter import CautionDrafter
from agent.reactions.chronicler import Chronicler
from agent.reactions.run_debriefer import RunDebriefer
from agent.subscriptions.base import Done, Outcome, Reaction
from chat.log.models import Event
from chat.story.fact_models import StoryEvent
from chat.story.fact_payloads import EventPlanned, Transition
from chat.story.models import Chat
from chat.story.payloads import AssistantTurn, Payload
from chat.story.rewriting_payloads import TurnSuperseded
from chat.story.writer import write
from chat.turns import chats, claims, leases
from chat.turns.leases import Settled
from chat.turns.models import Generation
from tests.factories import cast_of, owner_of

REACTIONS = (Chronicler(), RunDebriefer(), CautionDrafter())


def record(chat: Chat, *payloads: Payload) -> list[int]:
    """Write events; their positions."""
    return [event.position for event in write(chat.id, payloads, chats.source(owner_of(chat))).events]


def reply(chat: Chat, name: str, text: str, **how: object) -> int:
    return record(chat, AssistantTurn(speaker=cast_of(chat)[name], text=text, **how))[0]


def rewrite(chat: Chat, turn: int, name: str, text: str) -> int:
    """Another writing in a turn's place."""
    new = reply(chat, name, text, regenerated_from=turn)
    record(chat, TurnSuperseded(turn=turn, by=new))
    return new


def regenerate(chat: Chat, turn: int, text: str = "Another way.", *, how: str = "finished") -> int:
    """A whole regenerate but the asking of the model; the new turn."""
    claim = claims.claim_rewriting(chat.id, turn=turn, asked_by="user:1", now=timezone.now())
    written = leases.settle(claim, Settled(state=Generation.State(how), text=text), at=timezone.now())
    assert written is not None
    return written


def planned(chat: Chat, title: str = "Open the letter") -> int:
    return record(chat, EventPlanned(title=title))[0]


def moved(chat: Chat, change: type[Transition], story_event: int, turn: int | None = None) -> int:
    return record(chat, change(story_event=story_event, triggered_by_assistant_turn_id=turn))[0]


def status(story_event: int) -> str:
    return StoryEvent.objects.get(id=story_event).status


def texts(chat: Chat) -> list[str]:
    return [turn.text for turn in chat.turns.live().in_story_order()]


def react(reaction: Reaction, position: int) -> Outcome:
    event = Event.objects.select_related("stream").get(position=position)
    return asyncio.run(reaction.react(event))


def read(chat: Chat, *positions: int, reactions: Sequence[Reaction] = REACTIONS) -> list[Outcome]:
    """Let the Reactions read events (all by default) in order, and write what comes of it."""
    events = Event.objects.filter(stream__name=chat.stream).order_by("position")
    if positions:
        events = events.filter(position__in=positions)
    outcomes = []
    for event in list(events):
        for reaction in reactions:
            if event.kind in reaction.kinds:
                outcomes.append(react(reaction, event.position))
                take(chat, outcomes[-1])
    return outcomes


def take(chat: Chat, outcome: Outcome) -> None:
    if isinstance(outcome, Done):
        record(chat, *(outcome.payloads() if callable(outcome.payloads) else outcome.payloads))
