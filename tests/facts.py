"""Making facts in tests: by the payloads themselves, or by letting the Reactions read without the runtime."""

import asyncio
from collections.abc import Sequence

from agent.reactions.caution_drafter import CautionDrafter
from agent.reactions.chronicler import Chronicler
from agent.reactions.run_debriefer import RunDebriefer
from agent.subscriptions.base import Done, Outcome, Reaction
from chat.log.models import Event
from chat.story.models import Chat
from chat.story.payloads import AssistantTurn, Payload
from chat.story.rewriting_payloads import TurnSuperseded
from chat.story.writer import write
from chat.turns import chats
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
