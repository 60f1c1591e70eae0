"""Answers in JSON: asked for in the strictest way that the server takes, and always validated here.

The ladder: `json_schema` with `strict` (nested, as OpenAI defines it: llama.cpp silently ignores the flat form),
then `json_object`, then the prompt alone. A server that refuses a rung is asked on the next one, and from then
on begins there. An answer that does not validate is sent back once, with what is wrong about it.
"""

import json
from typing import Any

from pydantic import BaseModel, ValidationError

from chat.llm import spending
from chat.llm.errors import ModelOutputError, ModelRequestError, ModelServerError
from chat.llm.wire import Wire

RUNGS = ("json_schema", "json_object", "prompt")
#: In a server's 500 these mean that it could not make a grammar of our schema: no outage.
GRAMMAR_TROUBLE = ("grammar", "schema", "response_format", "not implemented")


async def ask_for[T: BaseModel](schema: type[T], wire: Wire, body: dict[str, Any]) -> T:
    """The model's answer to `body` (with `messages`) as a `schema`; raises ModelOutputError and the others."""
    asked = {**body, "messages": _with_instructions(body["messages"], schema)}
    said = await _climb_down(wire, asked, schema)
    try:
        return _validated(said, schema)
    except ValueError as error:
        repair = {**asked, "messages": _with_repair(asked["messages"], said, error)}
    said = await _climb_down(wire, repair, schema)
    try:
        return _validated(said, schema)
    except ValueError as error:
        raise ModelOutputError(f"{ModelOutputError.message()} {_complaint(error)}") from None


async def _climb_down(wire: Wire, body: dict[str, Any], schema: type[BaseModel]) -> str:
    """What the model said on the highest rung that the server takes."""
    first = wire.endpoint.rung
    for rung in range(first, len(RUNGS)):
        shaped = {**body, **_response_format(RUNGS[rung], schema)}
        try:
            answer = await wire.ask("/chat/completions", shaped, seconds=wire.patience.whole_answer)
        except (ModelRequestError, ModelServerError) as error:
            if rung == len(RUNGS) - 1 or not _about_the_form(error):
                raise
        else:
            wire.endpoint.rung = rung
            spending.note(answer)
            return _said(answer)
    raise AssertionError("The last rung returns or raises.")


def _about_the_form(error: ModelRequestError | ModelServerError) -> bool:
    """Whether a lower rung may help; a 4xx does not always say why, so each is given the chance."""
    if isinstance(error, ModelRequestError):
        return True
    return any(word in error.detail.lower() for word in GRAMMAR_TROUBLE)


def _response_format(rung: str, schema: type[BaseModel]) -> dict[str, Any]:
    match rung:
        case "json_schema":
            nested = {"name": schema.__name__, "strict": True, "schema": strict_schema(schema)}
            return {"response_format": {"type": "json_schema", "json_schema": nested}}
        case "json_object":
            return {"response_format": {"type": "json_object"}}
        case _:
            return {}


def strict_schema(schema: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema in the subset that `strict` allows (OpenAI, "Structured outputs", supported schemas)."""
    strict: dict[str, Any] = _strict(schema.model_json_schema())
    return strict


def _strict(node: Any) -> Any:
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {"$ref": node["$ref"]}
    strict = {name: _strict(value) for name, value in node.items() if name not in {"default", "discriminator"}}
    if "oneOf" in strict:
        strict["anyOf"] = strict.pop("oneOf")
    if isinstance(strict.get("properties"), dict):
        strict["required"] = list(strict["properties"])
        strict["additionalProperties"] = False
    return strict


def _with_instructions(messages: list[dict[str, str]], schema: type[BaseModel]) -> list[dict[str, str]]:
    # On every rung: servers without constraints need it, and constrained models answer better knowing the form.
    # In the last user message: some chat templates take a system message only at the beginning.
    form = json.dumps(strict_schema(schema), ensure_ascii=False)
    wish = f"Answer with one JSON object and nothing else. It must match this JSON schema:\n{form}"
    *before, last = messages
    if last["role"] != "user":
        return [*messages, {"role": "user", "content": wish}]
    return [*before, {"role": "user", "content": f"{last['content']}\n\n{wish}"}]


def _with_repair(messages: list[dict[str, str]], said: str, error: ValueError) -> list[dict[str, str]]:
    wish = f"That does not match: {_complaint(error)} Answer again with the corrected JSON object and nothing else."
    return [*messages, {"role": "assistant", "content": said or "{}"}, {"role": "user", "content": wish}]


def _said(answer: Any) -> str:
    try:
        return str(answer["choices"][0]["message"]["content"] or "")
    except (KeyError, IndexError, TypeError):
        raise ModelServerError("The model's server sent something that is not an answer.") from None


def _validated[T: BaseModel](said: str, schema: type[T]) -> T:
    """The first JSON object in what was said (some models wrap it in thoughts, prose or a code fence)."""
    answer = said.rpartition("</think>")[2]
    begin = answer.find("{")
    if begin < 0:
        raise ValueError("There is no JSON object in the answer.")
    value, _ = json.JSONDecoder().raw_decode(answer, begin)
    return schema.model_validate(value)


def _complaint(error: ValueError) -> str:
    """What is wrong, in one line that names the places."""
    if not isinstance(error, ValidationError):
        return f"{error}".rstrip(".") + "."
    places = (f"{'.'.join(map(str, part['loc'])) or 'the object'}: {part['msg']}" for part in error.errors()[:5])
    return "; ".join(places) + "."
