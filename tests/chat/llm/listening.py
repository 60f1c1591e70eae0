"""What the tests of the clients ask, and how they listen."""

import pytest

from chat.llm.client import Delta, Message, Prompt

KEY = "sk-0123456789-very-secret"
PROMPT = Prompt(messages=(Message(role="user", content="Good evening."),), max_tokens=40)


async def reply_of(model, prompt=PROMPT):
    return [item async for item in model.stream(prompt)]


def text_of(items):
    return "".join(item.text for item in items if isinstance(item, Delta))


async def text_until(model, error):
    """What was said before the error."""
    said = []

    async def listen():
        async for item in model.stream(PROMPT):
            said.append(item)  # noqa: PERF401  (what came before the error counts)

    with pytest.raises(error) as caught:
        await listen()
    return text_of(said), caught.value
