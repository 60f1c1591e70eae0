"""The tools: each translates, makes one call, and answers with the same object as the other doors."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from agent.operations import audit, desk
from agent.operations.command import Command, presets_of
from agent.operations.dismiss import DismissEvent, dismiss_event
from agent.operations.lane import State
from agent.operations.operator import Operator
from agent.operations.pause import Pause, Resume, pause, resume
from agent.operations.preview import preview_dismissal
from agent.operations.retry import RetryLane, retry_lane
from chat.log.text import LARGEST_NUMBER

#: Where the words of stories, players, models and operators stand in an answer.
_OTHERS_WORDS = {
    "payload",
    "chat_title",
    "message",
    "traceback",
    "note",
    "wedged_reason",
    "paused_reason",
    "reason",
    "detail",
}


class Arguments(BaseModel):
    """Of a tool; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid")


def _preset_for(asks: type[Command]) -> Any:
    return Field("", description=f"The kind of reason: {', '.join(presets_of(asks.act))}")


class Nothing(Arguments):
    """No arguments."""


class OfSubscriber(Arguments):
    """Which subscriber."""

    subscriber_name: str = Field(description="The subscriber's name, as list_subscribers tells it")


class OfLane(OfSubscriber):
    """Which lane."""

    stream: str = Field(description="The lane's stream, e.g. chat-7")


class OfEvent(OfSubscriber):
    """Which event of which Reaction."""

    event_id: StrictInt = Field(description="The event's position in the log")


class Lanes(OfSubscriber):
    """Which lanes."""

    state: State | None = Field(None, description="Only lanes in this state")
    after: StrictInt = Field(0, ge=0, le=LARGEST_NUMBER, description="Lanes after the one with this id")
    limit: StrictInt = Field(50, ge=1, le=desk.MOST_LANES)


class Decisions(Arguments):
    """Which decisions."""

    search: str = Field("", description="Words in reasons and targets")
    act: str = Field("", description="e.g. dismiss_event")
    subscriber_name: str = ""
    stream: str = ""
    limit: StrictInt = Field(20, ge=1, le=100)


class Why(BaseModel):
    """Why, and how a repetition is told from a second command."""

    reason: str = Field("", description="Why, for whoever asks later: at most 2,000 characters")
    #: Each act has its own.
    preset: str
    idempotency_key: str | None = Field(None, description="Repeating the call with the same key does nothing more")

    def why(self) -> dict[str, Any]:
        """As commands have it."""
        return {"reason": self.reason, "preset": self.preset, "key": self.idempotency_key}


class MustSayWhy(Why):
    """The same, where a reason is asked for."""

    reason: str = Field(description="Why, for whoever asks later: 1 to 2,000 characters")


class Dismiss(OfEvent, MustSayWhy):
    """What to dismiss."""

    preset: str = _preset_for(DismissEvent)
    expected_skipped: StrictInt = Field(0, description="Events before it that are skipped with it; see the preview")
    preview_token: str = Field("", description="Of the preview: then a lane that has moved since is refused")


class Retry(OfLane, Why):
    """What to retry."""

    preset: str = _preset_for(RetryLane)
    preview_token: str = Field("", description="Of the lane as it was looked at")


class PauseIt(OfSubscriber, MustSayWhy):
    """What to pause."""

    preset: str = _preset_for(Pause)
    stream: str = Field("", description="Only this lane, e.g. chat-7; empty for the whole subscriber")


class ResumeIt(OfSubscriber, Why):
    """What to resume."""

    preset: str = _preset_for(Resume)
    stream: str = Field("", description="Only this lane, e.g. chat-7; empty for the whole subscriber")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool[A: Arguments]:
    """A tool, and the permission without which nobody sees it."""

    name: str
    says: str
    needs: str
    takes: type[A]
    call: Callable[[A, Operator], dict[str, Any]]
    #: The fields that every answer has.
    answers: tuple[str, ...]
    reads: bool = False
    destroys: bool = False
    #: Called again it changes nothing more: what is done already is refused.
    idempotent: bool = True

    def carry_out(self, arguments: dict[str, Any], *, by: Operator) -> dict[str, Any]:
        """Make the one call; pydantic's ValidationError, and every ChatError of the operation."""
        said = self.call(self.takes.model_validate(arguments), by)
        return marked(said) if self.reads else said


def marked[T](value: T, *, but: Collection[str] = ()) -> T:
    """An answer in which other people's words stand under `untrusted`: data, whatever they say; fields in `but` not."""
    marks: Any = value
    if isinstance(value, dict):
        words = _OTHERS_WORDS.difference(but)
        marks = {name: {"untrusted": item} if name in words and item else marked(item) for name, item in value.items()}
    elif isinstance(value, list):
        marks = [marked(item) for item in value]
    return cast("T", marks)


def _dismiss(said: Dismiss, by: Operator) -> dict[str, Any]:
    command = DismissEvent(
        reaction=said.subscriber_name,
        event_id=said.event_id,
        expected_skipped=said.expected_skipped,
        preview_token=said.preview_token,
        **said.why(),
    )
    return dismiss_event(command, by=by).as_json()


def _retry(said: Retry, by: Operator) -> dict[str, Any]:
    lane = {"subscriber": said.subscriber_name, "stream": said.stream, "preview_token": said.preview_token}
    return retry_lane(RetryLane(**lane, **said.why()), by=by).as_json()


def _pause(said: PauseIt, by: Operator) -> dict[str, Any]:
    return pause(Pause(subscriber=said.subscriber_name, stream=said.stream, **said.why()), by=by).as_json()


def _resume(said: ResumeIt, by: Operator) -> dict[str, Any]:
    return resume(Resume(subscriber=said.subscriber_name, stream=said.stream, **said.why()), by=by).as_json()


def _subscribers(_: Nothing, by: Operator) -> dict[str, Any]:
    return {"subscribers": [one.as_json() for one in desk.list_subscribers(by=by)]}


def _lanes(said: Lanes, by: Operator) -> dict[str, Any]:
    found = desk.list_lanes(said.subscriber_name, state=said.state, after=said.after, limit=said.limit, by=by)
    return {"lanes": [lane.as_json() for lane in found]}


def _lane(said: OfLane, by: Operator) -> dict[str, Any]:
    return desk.show_lane(said.subscriber_name, said.stream, by=by).as_json()


def _preview(said: OfEvent, by: Operator) -> dict[str, Any]:
    return preview_dismissal(said.subscriber_name, event_id=said.event_id, by=by).as_json()


def _decisions(said: Decisions, by: Operator) -> dict[str, Any]:
    sought = audit.Sought(text=said.search, act=said.act, subscriber=said.subscriber_name, stream=said.stream)
    return {"decisions": [one.as_json() for one in audit.list_decisions(sought, limit=said.limit, by=by)]}


DECIDED = ("decision_id", "act", "target", "before", "after")
TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        name="list_subscribers",
        says="Every subscriber with its state, worst first: what is wedged, backing off, paused, behind.",
        needs="view_desk",
        takes=Nothing,
        call=_subscribers,
        answers=("subscribers",),
        reads=True,
    ),
    Tool(
        name="list_lanes",
        says="The lanes of a subscriber, one for each chat, optionally only those in a state.",
        needs="view_desk",
        takes=Lanes,
        call=_lanes,
        answers=("lanes",),
        reads=True,
    ),
    Tool(
        name="show_lane",
        says="One lane: its next event (what it says is masked), the tries at it with errors, what waits behind it.",
        needs="view_desk",
        takes=OfLane,
        call=_lane,
        answers=("lane", "attempts", "behind"),
        reads=True,
    ),
    Tool(
        name="preview_dismissal",
        says="Exactly what dismissing an event would skip, and the token that holds a dismissal to it.",
        needs="view_desk",
        takes=OfEvent,
        call=_preview,
        answers=("lane", "event", "skipped", "expected_skipped", "preview_token"),
        reads=True,
    ),
    Tool(
        name="list_decisions",
        says="What operators decided, and why, the newest first.",
        needs="view_audit",
        takes=Decisions,
        call=_decisions,
        answers=("decisions",),
        reads=True,
    ),
    Tool(
        name="dismiss_event_in_reaction",
        says="Spare a Reaction an event for good, so that its lane goes on; preview it first. Kept in the audit.",
        needs="dismiss_event",
        takes=Dismiss,
        call=_dismiss,
        answers=DECIDED,
        destroys=True,
    ),
    Tool(
        name="retry_lane",
        says="Let a lane that is wedged or backs off try its next event again, at once. Kept in the audit.",
        needs="retry_lane",
        takes=Retry,
        call=_retry,
        answers=DECIDED,
        idempotent=False,
    ),
    Tool(
        name="pause_subscriber",
        says="Claim nothing of a subscriber, or of one lane, any more; what runs is finished. Kept in the audit.",
        needs="pause_subscriber",
        takes=PauseIt,
        call=_pause,
        answers=DECIDED,
    ),
    Tool(
        name="resume_subscriber",
        says="Let a paused subscriber, or one lane of it, be claimed again. Kept in the audit.",
        needs="resume_subscriber",
        takes=ResumeIt,
        call=_resume,
        answers=DECIDED,
    ),
)
