"""System checks: a subscriber that is declared wrongly is refused at the start."""

from collections import Counter
from collections.abc import Iterator, Sequence

from django.core.checks import CheckMessage, Error

from agent.subscriptions.base import Projection, Reaction, Subscriber
from chat.story.payloads import KINDS


def check(subscribers: Sequence[Subscriber]) -> list[CheckMessage]:
    """Everything that is wrong with these declarations."""
    names = Counter(subscriber.name for subscriber in subscribers)
    doubled = [
        Error(f"{count} subscribers are called “{name}”.", hint="A name stands for one lane.", id="agent.E001")
        for name, count in names.items()
        if count > 1
    ]
    return [*doubled, *(error for subscriber in subscribers for error in _wrong_with(subscriber))]


def _wrong_with(subscriber: Subscriber) -> Iterator[CheckMessage]:
    name = subscriber.name
    if not subscriber.kinds:
        yield Error(f"“{name}” reads no kinds of event.", hint="Name at least one.", id="agent.E002")
    for kind in subscriber.kinds:
        if kind not in KINDS:
            yield Error(
                f"“{name}” reads “{kind}”, which no event is.", hint="See chat.story.payloads.", id="agent.E003"
            )
    yield from _wrong_size(subscriber)


def _wrong_size(subscriber: Subscriber) -> Iterator[CheckMessage]:
    name, size = subscriber.name, subscriber.batch_size
    # A Reaction that was declared with another size is no Reaction to mypy; here it is told so in words.
    if isinstance(subscriber, Reaction) == isinstance(subscriber, Projection):
        yield Error(f"“{name}” is neither a Projection nor a Reaction.", hint="It needs one protocol.", id="agent.E004")
    elif isinstance(subscriber, Reaction) and size != 1:
        yield Error(
            f"“{name}” has batch_size {size}.", hint="A Reaction takes one event at a time: 1.", id="agent.E005"
        )
    elif size < 1:
        yield Error(f"“{name}” has batch_size {size}.", hint="At least 1.", id="agent.E006")
