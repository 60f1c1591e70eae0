"""A hub of this test's event loop, a player who is signed in, and replies written without a model."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore

from chat.database import in_thread
from chat.story.models import Chat
from chat.streaming.hub import Hub, hub
from chat.turns import claims, generation, leases
from chat.turns.announce import Announcer, Ended, Started
from chat.turns.leases import Settled
from chat.turns.lines import Lines
from chat.turns.models import Generation
from chat.turns.running import Running
from tests.factories import make_chat, owner_of, say


def session_of(user: User) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return session.session_key


@dataclass
class Reply:
    """A reply that a test writes itself, word by word; all but the model is real."""

    running: Running

    def write(self, text: str) -> None:
        self.running.show(text)

    async def settle(self, state: str = "finished") -> int | None:
        running, claim = self.running, self.running.claim
        failed = state == Generation.State.FAILED
        settled = Settled(
            state=Generation.State(state),
            text="" if failed else running.text,
            error="It did not answer." if failed else "",
        )
        turn = await in_thread(leases.settle, claim, settled, at=datetime.now(UTC))
        generation.in_flight_tasks.pop(claim.chat, None)
        running.tell(
            Ended(
                chat=claim.chat,
                generation=claim.generation,
                speaker_name=claim.speaker.name,
                state=state,
                turn=turn,
                error=settled.error,
            )
        )
        return turn


async def begin_reply(chat: Chat, announcer: Announcer, *, retry: str | None = None) -> Reply:
    now = datetime.now(UTC)
    if retry is None:
        claim = await in_thread(claims.claim_reply, chat.id, now=now, rng=Random(1))
    else:
        claim = await in_thread(claims.claim_retry, chat.id, generation=retry, now=now)
    assert claim is not None
    running = Running(claim, announcer, Lines(claim.speaker.name, ()), asyncio.get_running_loop())
    generation.in_flight_tasks[chat.id] = running
    running.tell(
        Started(
            chat=chat.id,
            generation=claim.generation,
            speaker=claim.speaker.id,
            speaker_name=claim.speaker.name,
            rewrites=claim.rewrites,
        )
    )
    return Reply(running)


async def written_reply(chat: Chat, announcer: Announcer, text: str, state: str = "finished") -> str:
    """A whole exchange; the generation's id."""
    await in_thread(say, chat, "Who is there?")
    reply = await begin_reply(chat, announcer)
    reply.write(text)
    await reply.settle(state)
    return reply.running.generation


@pytest.fixture
def chat(transactional_db: None) -> Chat:
    return make_chat()


@pytest.fixture
def session(chat: Chat) -> str:
    return session_of(owner_of(chat))


@pytest.fixture(autouse=True)
def nothing_in_flight() -> Iterator[None]:
    yield
    generation.in_flight_tasks.clear()


@pytest.fixture
async def switchboard() -> AsyncIterator[Hub]:
    """The hub that this test's tabs use."""
    found = hub()
    yield found
    await found.stop()
