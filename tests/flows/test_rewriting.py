"""What a player without a WebSocket is promised while the past is rewritten."""

import json
import time

import pytest

from tests.flows.visitor import Visitor
from tests.model_server import answer_json, say

ILSE = answer_json({"interject": True, "who": "Ilse", "why": "She is named."})


def until_all_is_said(visitor: Visitor, turns: int) -> list[dict]:
    end = time.monotonic() + 20
    while len(found := visitor.turns()) < turns:
        assert time.monotonic() < end, found
        time.sleep(0.05)
    return found


def test_regenerate_broadcasts_turn_html_over_sse(visitor: Visitor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(visitor.site.model.answers, "Interjection", ILSE)
    visitor.site.model.script(say("“Ask Ilse.”"), say("“Not me.”"))
    visitor.post(f"/chats/{visitor.chat}/turns/", {"text": "Mara?"})
    _, primary, interjection = until_all_is_said(visitor, 3)
    visitor.site.model.script(say("“Ilse, you tell them.”"), say("“Never!”"))

    told: list[dict] = []
    with visitor.events() as next_event:
        visitor.post(f"/chats/{visitor.chat}/turns/{primary['id']}/regenerate/", {"guidance": "colder"})
        while [event["event"] for event in told].count("turn_html_replace") < 2:
            if (event := next_event())["event"].startswith("turn_html"):
                told.append(event)

    assert [event["event"] for event in told] == ["turn_html_replace", "turn_html_remove", "turn_html_replace"]
    first, gone, second = (json.loads(event["data"]) for event in told)
    _, now, again = visitor.turns()
    assert (first["turn_id"], first["supersedes_id"]) == (now["id"], primary["id"])
    assert (second["turn_id"], second["supersedes_id"]) == (again["id"], interjection["id"])
    assert gone == {"position": gone["position"], "turn_id": interjection["id"]}
    assert f'id="turn-{now["id"]}"' in first["html"]
    assert "“Ilse, you tell them.”" in first["html"]
    assert "“Never!”" in second["html"]
    assert [event["id"].split(":")[-1] for event in told] == [str(one["position"]) for one in (first, gone, second)]
