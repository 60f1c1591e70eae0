"""Starting a fire drill: real attempts, a real wedge, in a chat of its own."""

from dataclasses import dataclass
from typing import Any, ClassVar

from agent.desk_models import AuditEntry
from agent.operations.command import Command
from agent.operations.lane import find_bookmark, lock_row
from agent.operations.locking import short_transaction
from agent.operations.operator import Operator
from agent.operations.performing import performing
from agent.operations.registering import Change, Decided, earlier_answer, register
from agent.reactions.drill import Drill
from chat.errors import ChatError
from chat.story import writer
from chat.story.models import stream_of
from chat.story.payloads import ChatArchived, ChatCreated, DrillStarted

TITLE = "Fire drill"
PREMISE = "No story is told in this chat. It is for practice: what goes wrong here was set up at the operators’ desk."


class DrillUnderWayError(ChatError):
    """A drill is under way already: dismiss its event first."""

    status = 409


@dataclass(frozen=True, kw_only=True, slots=True)
class StartDrill(Command):
    """Have the desk something to do."""

    act: ClassVar[str] = "start_drill"
    context: ClassVar[str] = "FireDrill"
    choice: ClassVar[str] = "DrillStarted"

    def target(self) -> dict[str, Any]:
        """The drill's Reaction."""
        return {"subscriber": Drill.name}


def start_drill(command: StartDrill, *, by: Operator) -> Decided:
    """Append the event that the Reaction `drill` fails at. DrillUnderWayError (409); and as every operation."""
    with performing(command, by=by):
        command = command.checked()
        with short_transaction():
            # The chat may not be there yet: two that come at once wait for each other here.
            lock_row(Drill.name)
            if (earlier := earlier_answer(command, by=by)) is not None:
                return earlier
            decide(under_way=is_under_way())
            chat, event = _append(by)
            target = {"stream": stream_of(chat), "event": event, "chat": chat}
            return register(command, Change(before={}, after={"event": event}, target=target), by=by)


def decide(*, under_way: bool) -> None:
    """DrillUnderWayError when there is something to dismiss; no I/O."""
    if under_way:
        raise DrillUnderWayError


def is_under_way() -> bool:
    """Whether the event of the last drill is still to be dealt with, though no worker may have noticed it yet."""
    last = _last()
    if last is None:
        return False
    lane = find_bookmark(Drill.name, last.stream)
    return lane is None or lane.position < (last.event or 0)


def _append(by: Operator) -> tuple[int, int]:
    """The drill's chat, the same as last time if there was one, and the position of the new event."""
    source = writer.Source(actor=f"operator:{by.user.pk}", at=by.at, correlation=by.correlation)
    last = _last()
    if last is not None:
        chat = int(last.stream.removeprefix("chat-"))
    else:
        created = ChatCreated(title=TITLE, premise=PREMISE, owner=by.user.pk, persona="You", cast=())
        chat = writer.create_chat(created, [ChatArchived()], source)
    [event] = writer.write(chat, [DrillStarted()], source).events
    return chat, event.position


def _last() -> AuditEntry | None:
    return AuditEntry.objects.filter(act=StartDrill.act).order_by("-decision_id").first()
