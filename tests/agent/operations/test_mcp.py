"""The agents' door: which tools are seen, what they answer, and how they refuse."""

import contextlib
from collections.abc import AsyncIterator

import httpx2
import pytest
from asgiref.sync import sync_to_async
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from agent.mcp.http import McpOverHttp
from agent.models import AuditEntry
from agent.operations.tokens import CreateToken, create_token
from tests.agent.operations.conftest import operator

# What the database has to do with it is in the contract, which is tried on both.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
ACTS = ("view_desk", "dismiss_event", "retry_lane", "pause_subscriber", "resume_subscriber", "view_audit")
URL = "http://localhost/mcp"


def token(*scopes: str) -> str:
    return create_token(CreateToken(name="agent smith", scopes=scopes), by=operator(*ACTS, "create_token")).secret


def http(secret: str, **headers: str) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=McpOverHttp())
    return httpx2.AsyncClient(transport=transport, headers={"Authorization": f"Bearer {secret}", **headers})


@contextlib.asynccontextmanager
async def agent(secret: str, mode: str = "auto") -> AsyncIterator[Client]:
    async with http(secret) as over, Client(streamable_http_client(URL, http_client=over), mode=mode) as client:
        yield client


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_an_agent_looks_previews_and_dismisses(wedged, mode):
    async with agent(await sync_to_async(token)(*ACTS), mode) as client:
        lane = await client.call_tool("show_lane", {"subscriber_name": "noter", "stream": wedged.stream})
        which = {"subscriber_name": "noter", "event_id": wedged.poison}
        preview = await client.call_tool("preview_dismissal", which)
        held = preview.structured_content["preview_token"]
        done = await client.call_tool(
            "dismiss_event_in_reaction", {**which, "reason": "Cannot be read", "preview_token": held}
        )

    assert lane.structured_content["attempts"][0]["message"] == {"untrusted": "cannot"}
    assert lane.structured_content["payload"]["untrusted"]["text"] == "(6 characters)"
    assert not done.is_error, done
    entry = await AuditEntry.objects.aget(act="dismiss_event")
    assert done.structured_content["decision_id"] == entry.decision_id
    assert (entry.channel, entry.client) == ("mcp", "agent smith")


async def test_a_refusal_is_a_tool_error_with_the_same_problem(wedged):
    async with agent(await sync_to_async(token)(*ACTS)) as client:
        which = {"subscriber_name": "noter", "event_id": wedged.poison}
        blank = await client.call_tool("dismiss_event_in_reaction", {**which, "reason": " "})
        malformed = await client.call_tool("dismiss_event_in_reaction", {**which, "event_id": "x", "reason": "y"})

    assert blank.is_error
    assert blank.structured_content["type"] == "urn:palimpsest:problem:no-reason"
    assert blank.structured_content["status"] == 400
    assert malformed.is_error
    assert malformed.structured_content["status"] == 422
    assert (await sync_to_async(lambda: wedged.lane)()).wedged_at is not None


async def test_a_tool_that_the_caller_may_not_use_is_not_listed(wedged):
    async with agent(await sync_to_async(token)("view_desk")) as client:
        tools = (await client.list_tools()).tools
        called = await client.call_tool(
            "dismiss_event_in_reaction", {"subscriber_name": "noter", "event_id": wedged.poison, "reason": "x"}
        )

    assert {tool.name for tool in tools} == {"list_subscribers", "list_lanes", "show_lane", "preview_dismissal"}
    assert called.structured_content["type"] == "urn:palimpsest:problem:not-permitted"


async def test_every_tool_gives_all_four_hints(transactional_db):
    async with agent(await sync_to_async(token)(*ACTS)) as client:
        tools = (await client.list_tools()).tools

    assert len(tools) == 9
    for tool in tools:
        assert None not in tool.annotations.model_dump(exclude={"title"}).values()
        assert tool.output_schema["required"]
    assert [tool.name for tool in tools if tool.annotations.destructive_hint] == ["dismiss_event_in_reaction"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "Bearer pal_unknown"}, 401),
        ({"Authorization": "Basic eDp5"}, 401),
        ({"Host": "evil.example"}, 403),
        ({"Origin": "http://evil.example"}, 403),
    ],
)
async def test_strangers_are_turned_away_before_the_protocol(transactional_db, headers, status):
    async with http(await sync_to_async(token)(*ACTS)) as over:
        answer = await over.post(URL, json={}, headers=headers)

    assert answer.status_code == status
    assert answer.json()["type"].startswith("urn:palimpsest:problem:")
