"""The one sentence that says which model answers, and where to connect a better one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse

from chat.llm.client import BUILTIN, get_model
from chat.llm.errors import NoModelError

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """A sentence with a link behind it."""

    sentence: str
    link_text: str
    url: str


def model_notice(user: "User | AnonymousUser") -> Notice:
    """What to say about the model, without asking it anything; operators are told what they can do."""
    operator = user.is_staff
    url = reverse("model")
    name = model_name()
    if not name:
        return Notice(
            sentence="No model is connected, so nobody can answer.",
            link_text="Connect one" if operator else "What this means",
            url=url,
        )
    if name == BUILTIN:
        return Notice(
            sentence="The characters are played by a tiny built-in model: quick, and simple-minded.",
            link_text="Connect a better one" if operator else "About the model",
            url=url,
        )
    return Notice(sentence=f"The characters are played by {name}.", link_text="About the model", url=url)


def model_name() -> str:
    """The name of the model that plays; "" when none is connected."""
    try:
        return get_model().name
    except NoModelError:
        return ""
