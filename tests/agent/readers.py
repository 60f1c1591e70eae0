"""Subscribers for tests: what they do is said by the test, or by files that another process can see."""

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from django.db import connection

from agent.subscriptions.base import Done, Outcome, Projection, Reaction, Skip, chat_of
from chat.llm.client import Message, Prompt, get_reader
from chat.log.models import Event
from chat.story.models import Turn
from chat.story.payloads import ChatRenamed
from chat.story.writer import Source, write

#: Where `Gated` looks for files, in a process of its own.
GATES = "PALIMPSEST_TEST_GATES"


class Noter(Reaction):
    """Leaves a note for every turn: the chat is called "read <position>"; `act` may do something else first."""

    name: ClassVar[str] = "noter"
    kinds: ClassVar[tuple[str, ...]] = ("user_turn", "assistant_turn")
    keeps: ClassVar[str] = "the notes"

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.act: Callable[[Event], Outcome | None] = lambda _: None

    async def react(self, event: Event) -> Outcome:
        self.seen.append(event.position)
        return await asyncio.to_thread(self.act, event) or note(event)


class Asker(Noter):
    """Asks the reader before it leaves its note."""

    name: ClassVar[str] = "asker"

    async def react(self, event: Event) -> Outcome:
        self.seen.append(event.position)
        prompt = Prompt(messages=(Message(role="user", content=event.payload["text"]),), max_tokens=8)
        async for _ in get_reader().stream(prompt):
            pass
        return note(event)


class Gated(Noter):
    """In another process: says in files how far it got, and waits there for as long as a gate is closed.

    A turn's first word is the gate: `react` before anything is asked, `ask` while a model is asked, `commit` in the
    transaction that commits. `die` ends the process.
    """

    name: ClassVar[str] = "gated"

    async def react(self, event: Event) -> Outcome:
        word = event.payload["text"].split()[0]
        if word == "react":
            await asyncio.to_thread(_pass, f"react-{event.position}")
        if word == "ask":
            async for _ in get_reader().stream(Prompt(messages=(Message(role="user", content="?"),), max_tokens=8)):
                pass
        if word == "die":
            os._exit(9)
        if word == "poison":
            raise ValueError("poison")

        def payloads() -> Sequence[ChatRenamed]:
            if word == "commit":
                _pass(f"commit-{event.position}")
            return [ChatRenamed(title=f"read {event.position}")]

        return Done(payloads)


class Counter(Projection):
    """Counts events by chat, in memory; chokes on the text "poison"."""

    name: ClassVar[str] = "counter"
    kinds: ClassVar[tuple[str, ...]] = ("user_turn",)

    def __init__(self) -> None:
        self.applied: dict[int, list[tuple[int, int]]] = {}
        self.batches: list[int] = []

    def apply(self, events: Sequence[Event], *, epoch: int) -> None:
        for event in events:
            if event.payload["text"] == "poison":
                raise ValueError("poison")
        self.batches.append(len(events))
        for event in events:
            self.applied.setdefault(epoch, []).append((chat_of(event), event.position))

    def clear(self, *, epoch: int) -> None:
        self.applied.pop(epoch, None)


def note(event: Event) -> Done:
    """The effect that tests count."""
    return Done([ChatRenamed(title=f"read {event.position}")])


def skip(_: Event) -> Outcome:
    return Skip("nothing in it")


def notes(chat: int, reaction: str = "noter") -> list[int]:
    """The events that a Reaction left a note for, in the order of the log."""
    written = Event.objects.filter(stream__name=f"chat-{chat}", kind="chat_renamed", actor=f"reaction:{reaction}")
    return list(written.order_by("position").values_list("causation", flat=True))


def supersede(turn: int) -> None:
    """Let another turn stand in its place."""
    from django.utils import timezone  # noqa: PLC0415

    from chat.story.payloads import TurnSuperseded  # noqa: PLC0415

    chat = Turn.objects.values_list("chat_id", flat=True).get(id=turn)
    write(chat, [TurnSuperseded(turn=turn, by=turn)], Source(actor="test", at=timezone.now()))


def in_transaction() -> bool:
    return connection.in_atomic_block


def _pass(gate: str) -> None:
    folder = Path(os.environ[GATES])
    (folder / f"{gate}.reached").touch()
    while not (folder / f"{gate}.open").exists():
        # Another process opens it; there is nothing to await.
        import time  # noqa: PLC0415

        time.sleep(0.01)
