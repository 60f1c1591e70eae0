"""The agents' door as the web server serves it, and lets go of it."""

import json

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.site import OWNER

pytestmark = pytest.mark.once


async def test_an_agent_is_served_and_lets_the_server_go(site):
    words = [f"--as-user={OWNER}", "--name=agent", "--scope=view_desk", "--format=json"]
    secret = json.loads(site.manage("api_token", "create", *words))["token"]
    headers = {"Authorization": f"Bearer {secret}"}

    async with httpx2.AsyncClient(headers=headers) as over:
        async with Client(streamable_http_client(f"{site.url}/mcp", http_client=over)) as agent:
            tools = [tool.name for tool in (await agent.list_tools()).tools]
            found = await agent.call_tool("list_subscribers", {})
        listed = (await over.get(f"{site.url}/agent/subscribers")).json()
        turned_away = await over.post(f"{site.url}/mcp", json={}, headers={"Authorization": "Bearer pal_x"})

    assert "show_lane" in tools
    assert "retry_lane" not in tools
    assert {one["name"] for one in found.structured_content["subscribers"]} == {one["name"] for one in listed}
    assert turned_away.status_code == 401
    assert site.stop() < 5
    assert "Traceback" not in site.log
