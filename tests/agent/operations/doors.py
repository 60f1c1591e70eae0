"""The doors to the operations, as one test sees them: the same words in, the same object or the same problem out."""

import asyncio
import json
import re
from dataclasses import dataclass, field
from io import StringIO
from typing import Any, Protocol

import httpx2
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import AsyncClient, Client
from django.urls import reverse
from mcp import Client as Agent
from mcp.client.streamable_http import streamable_http_client

from agent.desk_models import DismissedEvent
from agent.mcp.http import McpOverHttp
from agent.operations.operator import Operator
from agent.operations.registering import decided_of
from agent.operations.tokens import CreateToken, create_token
from chat.log.models import Event
from chat.turns import generation
from tests.agent.operations.conftest import allow

ACTS = ("view_desk", "view_audit", "dismiss_event", "retry_lane", "pause_subscriber", "resume_subscriber")


@dataclass(frozen=True)
class Answer:
    """A Decision, or a problem."""

    said: dict[str, Any]

    @property
    def problem(self) -> str:
        return self.said.get("type", "").removeprefix("urn:palimpsest:problem:")

    @property
    def status(self) -> int:
        return self.said["status"] if self.problem else 201


class Door(Protocol):
    """One way in, for one operator."""

    channel: str

    def call(self, act: str, *, key: str | None = None, **said: Any) -> Answer: ...


def _token(by: Operator) -> str:
    maker = Operator(user=allow(by.user, "create_token"), channel="command")
    return create_token(CreateToken(name="door", scopes=ACTS), by=maker).secret


@dataclass
class Api:
    by: Operator
    channel: str = "api"
    secret: str = field(init=False)

    def __post_init__(self) -> None:
        self.secret = _token(self.by)

    def call(self, act: str, *, key: str | None = None, **said: Any) -> Answer:
        headers = {"Authorization": f"Bearer {self.secret}"} | ({"Idempotency-Key": key} if key is not None else {})
        client = Client(headers=headers)
        return Answer(client.post(_path(act, said), said, content_type="application/json").json())


def _path(act: str, said: dict[str, Any]) -> str:
    subscriber, stream = said.pop("subscriber"), said.pop("stream", "")
    lane = f"/lanes/{stream}" if stream else ""
    match act:
        case "dismiss_event":
            return f"/agent/reactions/{subscriber}/dismiss-event"
        case "preview_dismissal":
            return f"/agent/reactions/{subscriber}/dismissal-preview"
        case "retry_lane":
            return f"/agent/subscribers/{subscriber}{lane}/retry"
        case _:
            return f"/agent/subscribers/{subscriber}{lane}/{act.removesuffix('_subscriber')}"


@dataclass
class Mcp:
    by: Operator
    channel: str = "mcp"
    secret: str = field(init=False)

    def __post_init__(self) -> None:
        self.secret = _token(self.by)

    def call(self, act: str, *, key: str | None = None, **said: Any) -> Answer:
        return Answer(asyncio.run(self._call(act, key, said)))

    async def _call(self, act: str, key: str | None, said: dict[str, Any]) -> dict[str, Any]:
        tool = {"dismiss_event": "dismiss_event_in_reaction"}.get(act, act)
        arguments = {**said, "subscriber_name": said["subscriber"]} | ({"idempotency_key": key} if key else {})
        del arguments["subscriber"]
        transport, headers = httpx2.ASGITransport(app=McpOverHttp()), {"Authorization": f"Bearer {self.secret}"}
        async with (
            httpx2.AsyncClient(transport=transport, headers=headers) as over,
            Agent(streamable_http_client("http://localhost/mcp", http_client=over)) as agent,
        ):
            return (await agent.call_tool(tool, arguments)).structured_content


@dataclass
class Command:
    by: Operator
    channel: str = "command"

    def call(self, act: str, *, key: str | None = None, **said: Any) -> Answer:
        words = [said.pop(name) for name in ("subscriber", "event_id", "turn_id", "caution_id") if name in said]
        if act == "retry_lane":
            words.append(said.pop("stream"))
        options = [f"--{name.replace('_', '-')}={value}" for name, value in said.items()]
        if act == "preview_dismissal":
            act, options = "dismiss_event", [*options, "--preview"]
        options += ["--as-user", self.by.name, "--format", "json", *([f"--key={key}"] if key is not None else [])]
        return Answer(_run([act, *map(str, words), *options]))


def _run(words: list[str]) -> dict[str, Any]:
    out, status = StringIO(), 0
    try:
        call_command(*words, stdout=out)
    except CommandError as refused:
        status = refused.returncode
    said: dict[str, Any] = json.loads(out.getvalue())
    assert status == ({403: 4}.get(said["status"], 3) if "status" in said else 0)
    return said


@dataclass
class Admin:
    """The pages, as a browser without scripts sees them."""

    by: Operator
    channel: str = "admin"
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        User.objects.filter(pk=self.by.user.pk).update(is_staff=True)
        self.client = Client()
        self.client.force_login(User.objects.get(pk=self.by.user.pk))

    def call(self, act: str, *, key: str | None = None, **said: Any) -> Answer:
        sent = said | ({} if key is None else {"key": key})
        if act == "preview_dismissal":
            return self._answered(self.client.get(_page("dismiss_event", said), {"event": said["event_id"]}))
        if act == "regenerate_turn":
            return self._answered(asyncio.run(self._post(_page(act, said), sent)))
        return self._answered(self.client.post(_page(act, said), sent, follow=True))

    async def _post(self, page: str, sent: dict[str, Any]) -> Any:
        """As ASGI serves it; to the end of what the page has begun."""
        client = AsyncClient()
        client.cookies = self.client.cookies
        answer = await client.post(page, sent, follow=True)
        await generation.idle()
        return answer

    def _answered(self, page: Any) -> Answer:
        text = page.content.decode()
        if problem := re.search(r'data-problem="([^"]+)"', text):
            return Answer({"type": f"urn:palimpsest:problem:{problem[1]}", "status": page.status_code})
        if decision := re.search(r"on record as decision (\d+)", text):
            decided = decided_of(Event.objects.get(position=decision[1]))
            return Answer(json.loads(json.dumps(decided.as_json())))
        fields = dict(
            re.findall(r'<input type="hidden"\s+name="(preview_token|expected_skipped)"\s+value="([^"]*)"', text)
        )
        return Answer(fields)


def _page(act: str, said: dict[str, Any]) -> str:
    page = act.split("_", maxsplit=1)[0]
    match said:
        case {"turn_id": turn}:
            return reverse(f"admin:agent_turn_{page}", args=[turn])
        case {"caution_id": caution}:
            return reverse("admin:agent_desk_review", args=[caution, page])
        case {"subscriber": subscriber, "event_id": event} if act == "redeliver_event":
            row = DismissedEvent.objects.filter(subscriber=subscriber, event=event).first()
            return reverse("admin:agent_dismissedevent_change", args=[row.pk if row else 0])
    return _page_of_lane(act, said)


def _page_of_lane(act: str, said: dict[str, Any]) -> str:
    subscriber, stream = said["subscriber"], said.get("stream", "")
    if act == "dismiss_event":
        event = Event.objects.select_related("stream").filter(position=said["event_id"]).first()
        stream = event.stream.name if event else "chat-0"
    page = act.split("_", maxsplit=1)[0]
    if stream:
        return reverse(f"admin:agent_lane_{page}", args=[subscriber, stream])
    return reverse(f"admin:agent_subscriber_{page}", args=[subscriber])


DOORS: tuple[type[Door], ...] = (Api, Mcp, Command, Admin)
#: Of operations that are for people who sit down for them.
TWO_DOORS: tuple[type[Door], ...] = (Command, Admin)
