"""/healthz and /readyz."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest

from project import health
from tests.model_server import ScriptedModelServer
from tests.site import Site

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_process_that_is_up_says_so(async_client):
    response = await async_client.get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_every_part_is_named(async_client, settings, valkey):
    with ScriptedModelServer() as model:
        settings.MODEL_URL, settings.MODEL = model.url, "scripted"

        response = await async_client.get("/readyz")

    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "database": {"status": "ok"},
        "broker": {"status": "ok"},
        "model": {"status": "ok"},
    }


async def test_however_many_ask_the_model_is_looked_at_once_and_asked_for_no_token(async_client, settings):
    with ScriptedModelServer() as model:
        settings.MODEL_URL, settings.MODEL = model.url, "scripted"

        answers = await asyncio.gather(*(async_client.get("/readyz") for _ in range(5)))
        later = await async_client.get("/readyz")

    assert {answer.json()["model"]["status"] for answer in [*answers, later]} == {"ok"}
    assert [request.path for request in model.other_requests] == ["/v1/models"]
    assert model.requests == []


async def test_a_model_is_looked_at_again_after_a_while(async_client, settings, monkeypatch):
    with ScriptedModelServer() as model:
        settings.MODEL_URL, settings.MODEL = model.url, "scripted"
        await async_client.get("/readyz")
        monkeypatch.setattr(health._last_look(model.url, "scripted"), "good_until", 0.0)
    gone = await async_client.get("/readyz")

    assert gone.json()["model"]["status"] == "unavailable"
    assert "127.0.0.1" not in gone.text


async def test_a_server_without_a_list_of_models_is_there(async_client, settings):
    with ScriptedModelServer() as model:
        model.models = None
        settings.MODEL_URL, settings.MODEL = model.url, "scripted"

        answer = await async_client.get("/readyz")

    assert answer.json()["model"] == {"status": "ok"}


async def test_a_dead_broker_and_no_model_are_degraded(async_client, settings, tmp_path):
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock"
    settings.MODEL_URL = settings.MODEL = ""

    response = await async_client.get("/readyz")

    assert response.status_code == 200
    parts = response.json()
    assert parts["status"] == "degraded"
    assert parts["database"] == {"status": "ok"}
    assert parts["broker"]["status"] == parts["model"]["status"] == "unavailable"
    assert str(tmp_path) not in response.text


def test_without_the_database_a_process_is_up_but_not_ready(new_site: Callable[[], Site]):
    site = new_site()
    site.database_url = "postgres://secret:secret@127.0.0.1:1/nowhere"
    site.start()
    try:
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{site.url}/readyz", timeout=20)
        with refused.value as response:
            assert response.status == 503
            said = response.read().decode()
    finally:
        site.close()
        site.valkey.stop()
        site.model.__exit__(None, None, None)

    assert json.loads(said)["status"] == "unavailable"
    assert json.loads(said)["broker"] == {"status": "ok"}
    assert "secret" not in said
