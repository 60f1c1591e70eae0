"""What was learnt about an endpoint by using it, so that nothing is tried in vain twice."""

import functools
import re
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from chat.llm.errors import ModelRequestError

#: Parameters that some servers refuse; a reply can do without them.
DISPENSABLE = ("stream_options", "max_tokens", "temperature", "stop")
#: What a server says of a parameter that it does not know, as opposed to one with a bad value.
COMPLAINTS = ("support", "unknown", "unrecognized", "not permitted", "not allowed", "unexpected", "extra")
#: OpenAI takes four stop sequences and refuses a request with more.
MAX_STOPS = 4
REMEMBERED_COUNTS = 4096


@dataclass(slots=True)
class Endpoint:
    """One model at one address."""

    #: Parameters that the server has refused.
    refused: set[str] = field(default_factory=set)
    #: The first rung of the ladder of structured output that is worth trying.
    rung: int = 0
    #: When to ask for `/tokenize` (again), by the monotonic clock; None when the server has none.
    tokenizer_from: float | None = 0.0
    counts: OrderedDict[str, int] = field(default_factory=OrderedDict)

    def learn(self, error: ModelRequestError) -> bool:
        """Whether the refusal was about a parameter that we can leave out or say in another way next time."""
        said = error.detail.lower()
        if not any(complaint in said for complaint in COMPLAINTS):
            return False
        parameter = next((name for name in DISPENSABLE if name in said and name not in self.refused), None)
        if parameter is None:
            return False
        self.refused.add(parameter)
        return True

    def shape(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body as this endpoint takes it."""
        shaped = {name: value for name, value in body.items() if name not in self.refused}
        if "max_tokens" in self.refused and "max_tokens" in body:
            shaped["max_completion_tokens"] = body["max_tokens"]
        return shaped

    def remember_count(self, text: str, tokens: int) -> None:
        """Keep a text's count, and forget the one that was longest unused when there are too many."""
        self.counts[text] = tokens
        if len(self.counts) > REMEMBERED_COUNTS:
            self.counts.popitem(last=False)


@functools.cache
def endpoint(url: str, name: str) -> Endpoint:
    """This process's memory of a model at an address."""
    return Endpoint()


def without_password(url: str) -> str:
    """An address as people may see it, whether or not it can be read as one."""
    # An @ right after a slash is of a path, as in Cloudflare's names of models.
    return re.sub(r"^(\w+://)?.*[^/]@", r"\1", url)
