"""Writing one reply: an asyncio task of the ASGI process, in the registry under its chat, outliving its tab.

The text is checkpointed about once a second; what a process holds in memory alone is a reply's last second.
"""

import asyncio
import contextlib
import contextvars
import logging
import time
from collections.abc import AsyncGenerator, Collection, Coroutine
from typing import Any

from django import db
from django.utils import timezone

from chat.database import in_thread
from chat.errors import ChatError
from chat.llm.client import Delta, Finish, LanguageModel, Prompt, StreamItem, Thinking, get_model
from chat.llm.errors import ModelInterruptedError
from chat.log.text import clean
from chat.turns import leases
from chat.turns.announce import Announcer, Ended, Started
from chat.turns.claims import Claim
from chat.turns.leases import LeaseLostError, Settled
from chat.turns.lines import Lines
from chat.turns.models import Generation
from chat.turns.prompts import Budget, compose_chat, instructions, notes
from chat.turns.running import FindVoice, Running, since
from chat.turns.script import as_speech, compose_script, cues, head
from chat.turns.witnessed import material

logger = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 1.0
#: Together shorter than a lease.
SETTLE_AGAIN_SECONDS = (0.2, 0.6, 1.5, 3.0)
State = Generation.State


class NothingWrittenError(ChatError):
    """The model wrote nothing that this character could say. Try again."""

    status = 502


#: The replies that this process is writing, by chat.
in_flight_tasks: dict[int, Running] = {}
_closing = False


def begin(claim: Claim, announcer: Announcer, *, find_voice: FindVoice | None = None) -> Running:
    """Start writing the claimed reply as a task of the running loop; `find_voice` first finds out who speaks."""
    running = Running(claim, announcer, Lines(claim.speaker.name, ()), asyncio.get_running_loop(), find_voice)
    in_flight_tasks[claim.chat] = running
    running.task = spawn(_run(running))
    return running


#: A loop keeps only weak references to its tasks.
_tasks: set[asyncio.Task[Any]] = set()


def spawn[T](coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task in a context of its own: one that inherits a request's would keep that request's connection."""
    task = asyncio.get_running_loop().create_task(coroutine, context=contextvars.Context())
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return task


async def idle(*, but: Collection[asyncio.Task[Any]] = ()) -> None:
    """Return when nothing that was spawned here is left to do."""
    while left := _tasks - {*but, asyncio.current_task()}:
        await asyncio.wait(left)


def stop_here(chat: int) -> None:
    """Stop the reply that this process writes for a chat, if it writes one."""
    if (running := in_flight_tasks.get(chat)) is not None:
        running.end_stream(State.STOPPED)


def heard(chat: int) -> None:
    """The chat's bell was rung: see whether a stop was asked for. Safe from any thread."""
    if (running := in_flight_tasks.get(chat)) is not None:
        running.loop.call_soon_threadsafe(lambda: spawn(_look_for_stop(running)))


async def shut_down() -> None:
    """Settle every running reply as interrupted, with all its text: the process is about to end."""
    global _closing  # noqa: PLW0603  (the process closes once)
    _closing = True
    replies = list(in_flight_tasks.values())
    for running in replies:
        running.end_stream(State.INTERRUPTED)
    await asyncio.gather(*(running.task for running in replies if running.task), return_exceptions=True)


def writes(claim: Claim) -> bool:
    """Whether this process is writing the claimed reply, however late its checkpoints are."""
    running = in_flight_tasks.get(claim.chat)
    return running is not None and running.generation == claim.generation


async def settled(running: Running) -> None:
    """Return when the reply is settled, however it ends."""
    if running.task is not None:
        await asyncio.wait({running.task})


def closing() -> bool:
    """Whether this process begins no more replies."""
    return _closing


async def _run(running: Running) -> None:
    if running.find_voice is None:
        _tell_started(running)
    settled = await _written(running)
    claim = running.claim
    settled = leases.counted(claim, settled)
    try:
        turn = await _settle(claim, settled)
    except LeaseLostError:
        logger.warning("chat %d: generation %s lost its lease", claim.chat, claim.generation)
        return
    except db.Error:
        # The row still runs: when its lease ends, the sweep settles what was checkpointed.
        logger.exception("chat %d: generation %s could not be settled", claim.chat, claim.generation)
        return
    finally:
        if in_flight_tasks.get(claim.chat) is running:
            del in_flight_tasks[claim.chat]
    running.ended = Ended(
        chat=claim.chat,
        generation=claim.generation,
        speaker_name=claim.speaker.name,
        state=settled.state,
        turn=turn,
        error=settled.error,
    )
    if running.told:
        running.tell(running.ended)


def _tell_started(running: Running) -> None:
    running.tell(
        Started(
            chat=running.claim.chat,
            generation=running.generation,
            speaker=running.speaker,
            speaker_name=running.speaker_name,
            rewrites=running.rewrites,
            follows=running.claim.follows,
            meanwhile=running.claim.meanwhile,
        )
    )


async def _settle(claim: Claim, settled: Settled) -> int | None:
    """Settle, and try again for as long as the lease surely holds when the database is busy or away."""
    for pause in SETTLE_AGAIN_SECONDS:
        try:
            return await in_thread(leases.settle, claim, settled, at=timezone.now())
        except db.Error:
            logger.warning("chat %d: settling failed, once more in %.1f s", claim.chat, pause, exc_info=True)
            await asyncio.sleep(pause)
    return await in_thread(leases.settle, claim, settled, at=timezone.now())


async def _written(running: Running) -> Settled:
    """Stream the reply under checkpoints and say how it ended; every failure becomes a state with a sentence."""
    running.stream = spawn(_stream(running))
    if running.cut:  # stopped before it began
        running.stream.cancel()
    checkpoints = spawn(_checkpoints(running))
    try:
        await running.stream
    except asyncio.CancelledError:
        return _settled(running, running.cut or State.INTERRUPTED)
    except ModelInterruptedError as error:
        return _settled(running, State.INTERRUPTED, error)
    except ChatError as error:
        return _settled(running, State.INTERRUPTED if running.text.strip() else State.FAILED, error)
    except Exception:
        # The reply is recorded as failed; the log has the traceback.
        logger.exception("chat %d: the reply failed", running.claim.chat)
        return _settled(running, State.FAILED, ChatError("Something went wrong on our side. Try again."))
    finally:
        checkpoints.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await checkpoints
    return _finished(running)


async def _stream(running: Running) -> None:
    if running.find_voice is not None:
        voice = await running.find_voice(running)
        if voice is None:
            return
        running.claim, running.began = voice, time.perf_counter()
        _tell_started(running)
    model = get_model()
    prompt = await _prompt(running, model)
    # Beside the asking, not before it: nobody should wait longer for the first word because of our records.
    noting = spawn(in_thread(leases.note_prompt, running.generation, model=model.name, prompt=prompt.as_json()))
    try:
        await _listen(running, model.stream(prompt))
    finally:
        await asyncio.wait({noting})


async def _listen(running: Running, stream: AsyncGenerator[StreamItem]) -> None:
    async with contextlib.aclosing(stream) as items:
        async for item in items:
            match item:
                case Delta():
                    running.show(running.lines.feed(clean(item.text)))
                    if running.lines.over:
                        return
                case Thinking():
                    running.thinking += clean(item.text)
                case Finish():
                    running.finish = item


async def _prompt(running: Running, model: LanguageModel) -> Prompt:
    """Compose the prompt of a reply for this model."""
    budget = Budget(prompt=model.prompt_tokens, reply=model.reply_tokens)
    gathered = await in_thread(material, running.claim, tokens=budget.prompt)
    scene = gathered.scene
    running.lines = Lines(scene.speaker.name, scene.others)
    running.is_script = model.style == "script"
    if running.is_script:
        overhead, *costs = await model.count([head(scene), *cues(gathered.lines)])
        return compose_script(scene, gathered.lines, costs=costs, overhead=overhead, budget=budget)
    stable, changing, *costs = await model.count(
        [instructions(scene, budget), notes(scene, budget), *(line.text for line in gathered.lines)]
    )
    return compose_chat(scene, gathered.lines, costs=costs, overhead=stable + changing, budget=budget)


async def _checkpoints(running: Running) -> None:
    """Keep the text and the lease about once a second; end the stream when told to, or when the lease is lost."""
    while True:
        await asyncio.sleep(CHECKPOINT_SECONDS)
        try:
            if await in_thread(leases.checkpoint, running.generation, running.text):
                running.end_stream(State.STOPPED)
        except LeaseLostError:
            running.end_stream(State.INTERRUPTED)
        except Exception:
            # The database is away: the reply goes on in memory, and settling will say whether it still counts.
            logger.exception("chat %d: no checkpoint", running.claim.chat)


async def _look_for_stop(running: Running) -> None:
    if await in_thread(leases.stop_requested, running.generation):
        running.end_stream(State.STOPPED)


def _finished(running: Running) -> Settled:
    if running.claim.is_undecided:
        return _settled(running, State.NOBODY)
    cut_by_cap = running.finish is not None and running.finish.reason == "length"
    text = running.lines.end(cut=cut_by_cap)
    if not text:
        return _settled(running, State.FAILED, NothingWrittenError())
    return _settled(running, State.FINISHED, text=text)


def _settled(
    running: Running, state: Generation.State, error: ChatError | None = None, *, text: str | None = None
) -> Settled:
    text = running.lines.end() if text is None else text
    return Settled(
        state=state,
        text=as_speech(text) if running.is_script else text,
        error=error.detail if error else "",
        thinking=running.thinking,
        prompt_tokens=running.finish.prompt_tokens if running.finish else None,
        completion_tokens=running.finish.completion_tokens if running.finish else None,
        first_token_ms=running.first_token_ms,
        duration_ms=since(running.began),
    )
