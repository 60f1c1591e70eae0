"""The fire drill: a Reaction that always fails, so that the desk can be learned before it is needed."""

from typing import ClassVar, Literal

from agent.subscriptions.base import Outcome, Reaction
from chat.errors import ChatError
from chat.log.models import Event
from chat.story.payloads import DrillStarted, kind_of


class DrillError(ChatError):
    """This is a fire drill: look at the lane, then dismiss the event, and say that it was one."""


class Drill(Reaction):
    """Fails at every drill, as real trouble does: with attempts, a wedge, and an operator who sees to it."""

    name: ClassVar[str] = "drill"
    kinds: ClassVar[tuple[str, ...]] = (kind_of(DrillStarted),)
    timeout: ClassVar[float] = 5.0
    endpoint: ClassVar[Literal["reader", "model", ""]] = ""

    async def react(self, event: Event) -> Outcome:
        """Fail."""
        raise DrillError
