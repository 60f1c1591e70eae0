"""The first minute: one command, one link, and a character that answers."""

import re
from http import HTTPStatus
from pathlib import Path

import httpx2
import pytest

from tests.project.starting import Up
from tests.servers import eventually

pytestmark = pytest.mark.once


@pytest.fixture
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("u")


def test_the_link_lets_the_owner_in_once_and_the_demo_story_answers(var: Path):
    with Up(var, "--port", "0") as up, httpx2.Client(follow_redirects=True, timeout=30) as player:
        link = up.link()
        assert player.head(link).status_code < HTTPStatus.BAD_REQUEST  # as a preview does; it uses nothing up

        page = player.get(link)
        if 'method="post"' in page.text and "/enter/" in str(page.url):
            page = _press_the_button(player, page)
        assert page.status_code == HTTPStatus.OK
        story = re.search(r"/chats/(\d+)/", page.text)
        assert story, "the demo story is not on the first page"

        up.until("the built-in model is ready")
        turns = str(page.url.join(f"/chats/{story[1]}/turns/"))
        posted = player.post(
            turns,
            json={"text": "I sit down and wait for you to speak."},
            headers={"Accept": "application/json", "X-CSRFToken": _token(player, page)},
        )
        assert posted.status_code == HTTPStatus.CREATED, posted.text

        def replies() -> list[str]:
            told = player.get(turns, headers={"Accept": "application/json"}).json()
            return [turn["text"] for turn in told if turn["id"] > posted.json()["turn_id"]]

        eventually(replies, what="a character's answer", patience=60)
        with httpx2.Client(follow_redirects=True) as stranger:
            assert stranger.get(link).status_code != HTTPStatus.OK


def _press_the_button(player: httpx2.Client, page: httpx2.Response) -> httpx2.Response:
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    assert token
    return player.post(str(page.url), data={"csrfmiddlewaretoken": token[1]}, headers={"Referer": str(page.url)})


def _token(player: httpx2.Client, page: httpx2.Response) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    return found[1] if found else player.cookies.get("csrftoken") or ""
