"""One reply while it is written, as this process knows it: the text so far, and whether news of it fits on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from chat.statements import composed
from chat.streaming.frame import Frame
from chat.turns.announce import Chunk, Deciding, Ended, Started
from chat.turns.models import Generation
from chat.turns.running import Running


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """The text so far of a reply that another process writes."""

    chat: int
    generation: str
    speaker: int
    speaker_name: str
    rewrites: int | None
    seq: int
    text: str
    follows: int | None = None
    meanwhile: int | None = None


@dataclass(slots=True)
class Live:
    """The text so far of one generation. Every member of the room has been sent exactly this text."""

    generation: str
    speaker: int
    speaker_name: str
    rewrites: int | None = None
    #: Of an interjection: the primary reply after which it is.
    follows: int | None = None
    #: The meanwhile for which it is.
    meanwhile: int | None = None
    seq: int = 0
    length: int = 0
    #: Its turn stands already; only the end is still to be told.
    settled: bool = False
    #: While it is being decided who speaks up, if anybody: the names of the silent witnesses.
    witnesses: Sequence[str] = ()
    #: Appended to for every token, so not one string.
    _parts: list[str] = field(default_factory=list)

    @property
    def is_undecided(self) -> bool:
        """Whether it is still being decided if anybody speaks."""
        return not self.speaker

    @property
    def text(self) -> str:
        """All of it."""
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""

    def continued_by(self, chunk: Chunk) -> Frame | None:
        """Append a chunk that begins at or before the end; the delta to send, None when it adds nothing."""
        known = self.length - chunk.offset
        text = chunk.text[known:] if known else chunk.text
        if not text:
            return None
        frame = Frame("delta", {"generation": self.generation, "seq": chunk.seq, "offset": self.length, "text": text})
        self.seq = chunk.seq
        self.length += len(text)
        self._parts.append(text)
        return frame

    def caught_up(self, text: str, seq: int) -> Frame | None:
        """Take over a longer text as a whole; the snapshot to send, None when it is not longer."""
        if len(text) <= self.length:
            return None
        self._parts, self.length, self.seq = [text], len(text), max(seq, self.seq)
        return self.snapshot()

    def snapshot(self) -> Frame:
        """The text so far, for one that comes in the middle."""
        if self.is_undecided:
            return self.started()
        return Frame("snapshot", {"generation": self.generation, "seq": self.seq, "text": self.text, **self._who()})

    def as_news(self, chat: int) -> Snapshot:
        """The text so far, for another process."""
        return Snapshot(
            chat=chat,
            generation=self.generation,
            speaker=self.speaker,
            speaker_name=self.speaker_name,
            rewrites=self.rewrites,
            seq=self.seq,
            text=self.text,
            follows=self.follows,
            meanwhile=self.meanwhile,
        )

    def started(self) -> Frame:
        """It begins, or it is being decided whether it does."""
        if self.is_undecided:
            body = {"state": "deciding", "generation": self.generation, "witnesses": list(self.witnesses)}
            return Frame("generation", body | self._who() | {"turn_id": None})
        return Frame("generation", {"state": "started", "generation": self.generation, **self._who()})

    def _who(self) -> dict[str, Any]:
        return {
            "speaker": self.speaker_name,
            "speaker_id": self.speaker,
            "rewrites": self.rewrites,
            "follows": self.follows,
            "meanwhile": self.meanwhile,
        }


def live_from(started: Started | Snapshot | Deciding) -> Live:
    """A reply of which nothing is known yet but who speaks."""
    if isinstance(started, Deciding):
        return Live(
            generation=started.generation,
            speaker=0,
            speaker_name="",
            rewrites=started.rewrites,
            witnesses=started.witnesses,
        )
    return Live(
        generation=started.generation,
        speaker=started.speaker,
        speaker_name=started.speaker_name,
        rewrites=started.rewrites,
        follows=started.follows,
        meanwhile=started.meanwhile,
    )


def live_of(running: Running) -> Live:
    """A reply that this process is writing."""
    live = Live(
        generation=running.generation,
        speaker=running.speaker,
        speaker_name=running.speaker_name,
        rewrites=running.rewrites,
        follows=running.claim.follows,
        meanwhile=running.claim.meanwhile,
    )
    live.caught_up(running.text, running.seq)
    return live


def ended(news: Ended, live: Live | None) -> Frame:
    """It is over; `live` is what was known of it."""
    body: dict[str, Any] = {
        "state": news.state,
        "generation": news.generation,
        "speaker": news.speaker_name,
        "speaker_id": live.speaker if live else None,
        "rewrites": live.rewrites if live else None,
        "turn_id": news.turn,
    }
    if news.error:
        body["error"] = news.error
    return Frame("generation", body)


def end_told_by(turn: Frame, live: Live, chat: int) -> Ended:
    """How a reply ended, as its settled turn tells."""
    state = turn.body["state"]
    return Ended(
        chat=chat,
        generation=live.generation,
        speaker_name=live.speaker_name,
        state=Generation.State.FINISHED if state == "complete" else state,
        turn=turn.body["turn_id"],
    )


@composed
def running_in(chat: int) -> "QuerySet[Generation]":
    """The replies of a chat that are being written in some process, as the database has them."""
    return Generation.objects.filter(chat=chat, state=Generation.State.RUNNING).defer("prompt")


def snapshot_in(row: Generation) -> Snapshot:
    """The text as of its last checkpoint."""
    return Snapshot(
        chat=row.chat_id,
        generation=row.id,
        speaker=row.speaker,
        speaker_name=row.speaker_name,
        rewrites=row.rewrites,
        seq=0,
        text=row.text,
        follows=row.follows,
        meanwhile=row.meanwhile,
    )


def end_in(row: Generation) -> Ended:
    """How a reply ended."""
    return Ended(
        chat=row.chat_id,
        generation=row.id,
        speaker_name=row.speaker_name,
        state=row.state,
        turn=row.turn,
        error=row.error if row.state == Generation.State.FAILED else "",
    )
