"""The page that answers “Why this reply?”: what was sent to the model for a turn, and how it went."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from chat.errors import ChatError
from chat.pages.answers import signed_in
from chat.story.access import get_chat_for
from chat.story.models import Chat, Turn
from chat.turns.models import Generation

ROLES = {"system": "Instructions", "user": "What was said to it", "assistant": "What it had said before"}
PARAMETERS = {"temperature": "Temperature", "max_tokens": "Longest reply, in tokens", "stop": "Ends before"}


class TurnNotFoundError(ChatError):
    """There is no such turn in this story."""

    status = 404


@require_safe
@signed_in
def why(request: HttpRequest, chat_id: int, turn_id: int) -> HttpResponse:
    """The prompt as it was sent, the model, its parameters, tokens and timings."""
    chat = get_chat_for(request.user, chat_id)
    turn = _turn(chat, turn_id)
    # By its id alone: a branch has the turns of another chat, and what was asked for them stands there.
    asked = Generation.objects.filter(id=turn.generation).first() if turn.generation else None
    member = chat.cast.filter(character=turn.speaker).first() if turn.speaker else None
    context = {
        "chat": chat,
        "turn": turn,
        "asked": asked,
        "card": member.card if member else None,
        "verdict": _verdict(turn, asked),
    }
    return render(request, "chat/why.html", context | _prompt(asked))


def _turn(chat: Chat, turn_id: int) -> Turn:
    try:
        return chat.turns.get(id=turn_id)
    except Turn.DoesNotExist:
        raise TurnNotFoundError from None


def _verdict(turn: Turn, asked: Generation | None) -> dict[str, Any] | None:
    """What came of asking whether somebody speaks up: after this turn, or to say this one."""
    if turn.interjection_of is not None:
        return asked.asked if asked else None
    question = Generation.objects.filter(follows=turn.id, asked__isnull=False).order_by("-started_at").first()
    return question.asked if question else None


def _prompt(asked: Generation | None) -> dict[str, Any]:
    sent: dict[str, Any] = (asked.prompt if asked else None) or {}
    parameters = [
        (label, _readable(sent[key])) for key, label in PARAMETERS.items() if sent.get(key) not in (None, [], "")
    ]
    return {
        "messages_sent": [
            (ROLES.get(message["role"], message["role"]), message["content"]) for message in sent.get("messages", [])
        ],
        "script": sent.get("script", ""),
        "parameters": parameters,
    }


def _readable(value: object) -> str:
    if isinstance(value, list):
        return ", ".join("the end of the line" if one == "\n" else f"“{str(one).strip()}”" for one in value)
    return str(value)
