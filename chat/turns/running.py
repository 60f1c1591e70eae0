"""One reply while it is written: its text so far, and how it is told and ended."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from chat.llm.client import Finish
from chat.turns.announce import Announcer, Chunk, Ended, News
from chat.turns.claims import Claim
from chat.turns.lines import Lines
from chat.turns.models import Generation

type FindVoice = Callable[["Running"], Awaitable[Claim | None]]


@dataclass(slots=True)
class Running:
    """A reply being written in this process."""

    claim: Claim
    announcer: Announcer
    lines: Lines
    loop: asyncio.AbstractEventLoop
    #: Finds out who speaks, where that is not known yet; None: nobody does.
    find_voice: FindVoice | None = None
    text: str = ""
    seq: int = 0
    #: Asked as a play: its one line is speech.
    is_script: bool = False
    thinking: str = ""
    finish: Finish | None = None
    began: float = field(default_factory=time.perf_counter)
    first_token_ms: int | None = None
    #: Why the stream was cancelled: STOPPED or INTERRUPTED; None while it was not.
    cut: Generation.State | None = None
    task: asyncio.Task[None] | None = None
    #: The part that asks the model; cancelling it closes the upstream connection.
    stream: asyncio.Task[None] | None = None
    #: Whether anything was told of it; of what was decided without asking anybody, nothing is.
    told: bool = False
    #: How it ended, once it is settled.
    ended: Ended | None = None

    @property
    def generation(self) -> str:
        """Its id."""
        return self.claim.generation

    @property
    def speaker(self) -> int:
        """The character's id."""
        return self.claim.speaker.id

    @property
    def speaker_name(self) -> str:
        """The character's name."""
        return self.claim.speaker.name

    @property
    def rewrites(self) -> int | None:
        """The turn this is a new writing of."""
        return self.claim.rewrites

    def end_stream(self, why: Generation.State) -> None:
        """Close the upstream connection; what is written so far is settled as `why`."""
        if self.cut is None and not (self.stream and self.stream.done()):
            self.cut = why
            if self.stream is not None:
                self.stream.cancel()

    def show(self, text: str) -> None:
        """Append text that may be seen and tell it."""
        if not text:
            return
        if self.first_token_ms is None:
            self.first_token_ms = since(self.began)
        self.seq += 1
        offset, self.text = len(self.text), self.text + text
        self.tell(Chunk(chat=self.claim.chat, generation=self.generation, seq=self.seq, offset=offset, text=text))

    def tell(self, news: News) -> None:
        """Pass news to the edge that began this reply."""
        self.told = True
        self.announcer.announce(news)


def since(began: float) -> int:
    """Milliseconds since a reading of `time.perf_counter`."""
    return round((time.perf_counter() - began) * 1000)
