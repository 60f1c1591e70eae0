"""A player who does without a browser: it posts, and listens at the WebSocket or the event stream."""

import http.client
import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from typing import Any

from tests.chat.streaming.tabs import tab_over_network
from tests.site import Site


class Visitor:
    """A signed-in owner with a story of two characters, and what a browser sends along."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._jar = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._jar))
        self._opener.open(site.enter_link()).read()
        self._opener.open(f"{site.url}/chats/new/").read()
        self.chat = 0

    def cookie(self, name: str) -> str:
        return next(cookie.value or "" for cookie in self._jar if cookie.name == name)

    @property
    def session(self) -> str:
        return self.cookie("sessionid")

    def begin_a_story(self) -> None:
        ids = [self.post("/characters/", {"name": name})["id"] for name in ("Mara", "Ilse")]
        story = {"title": "Night watch", "premise": "A lamp must burn.", "characters": ids}
        self.chat = self.post("/chats/", story)["id"]

    def post(self, path: str, body: dict[str, Any], *, site: Site | None = None) -> Any:
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "X-CSRFToken": self.cookie("csrftoken"),
        }
        url = (site or self.site).url + path
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        return json.loads(self._opener.open(request).read())

    def turns(self) -> list[dict[str, Any]]:
        request = urllib.request.Request(f"{self.site.url}/chats/{self.chat}/turns/")
        request.add_header("Accept", "application/json")
        return json.loads(self._opener.open(request).read())

    def tab(self, site: Site | None = None, **how: Any) -> Any:
        return tab_over_network(f"{(site or self.site).ws_url}/ws/chats/{self.chat}/", session=self.session, **how)

    @contextmanager
    def events(self, **headers: str) -> Iterator[Callable[[], dict[str, str]]]:
        """The event stream; gives a function that reads on to the next event with data."""
        connection = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=20)
        cookie = {"Cookie": f"sessionid={self.session}"}
        connection.request("GET", f"/chats/{self.chat}/events/", headers=cookie | headers)
        response = connection.getresponse()
        assert response.status == 200
        assert response.headers["X-Accel-Buffering"] == "no"

        def next_event() -> dict[str, str]:
            event: dict[str, str] = {}
            while (line := response.readline().decode().rstrip("\n")) or not event.get("data"):
                name, _, value = line.partition(": ")
                event = {**event, name: "\n".join(filter(None, [event.get(name), value]))} if line else {}
            return event

        try:
            yield next_event
        finally:
            connection.close()
