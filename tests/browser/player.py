"""A player in a browser: a page of the owner's, with a story of its own."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.model_server import say
from tests.site import Site

#: Milliseconds for which anything is awaited.
PATIENCE = 20_000
#: A reply, and its first piece, which a closed gate lets through.
TELLS = "*She turns the letter over.* “You knew,” she says. “And you let me cross.”"
FIRST = "She"


class Player:
    """A page of the owner's, with a story of its own."""

    def __init__(self, browser: Any, site: Site, session: Any, **looks: Any) -> None:
        self.site = site
        looks = {"viewport": {"width": 1280, "height": 800}, **looks}
        self.context = browser.new_context(storage_state=session, base_url=site.url, **looks)
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()
        self.wrong: list[str] = []
        self.sockets: list[Any] = []
        self.page.on("websocket", self._connected)
        self.asked: dict[Any, str] = {}
        self.page.on("request", lambda request: self.asked.update({request: "no answer yet"}))
        self.page.on("response", lambda response: self.asked.update({response.request: str(response.status)}))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", self._heard)

    def _connected(self, socket: Any) -> None:
        self.sockets.append(socket)

    def _heard(self, message: Any) -> None:
        if "Content Security Policy" in message.text:
            self.wrong.append(message.text)

    @property
    def account(self) -> str:
        """What the page shows and what it asked last, for whoever reads of a failure."""
        asked = [f"{request.method} {request.url}: {answer}" for request, answer in [*self.asked.items()][-15:]]
        return "\n".join([self.page.url, *asked, *self.wrong, "", self.page.locator("body").inner_text()])

    def begin(self, names: tuple[str, ...] = ("Mara", "Ilse")) -> int:
        """Begin a story and open it."""
        post = self.context.request.post
        self.context.request.get("/characters/new/")
        token = next(c["value"] for c in self.context.cookies() if c["name"] == "csrftoken")
        headers = {"X-CSRFToken": token, "Accept": "application/json", "Referer": self.site.url}
        cast = [post("/characters/", data={"name": name}, headers=headers).json()["id"] for name in names]
        story = {"title": "Night watch", "premise": "A lamp must be kept burning.", "characters": cast}
        self.chat = post("/chats/", data=story, headers=headers).json()["id"]
        self.open()
        return self.chat

    def open(self, chat: int | None = None) -> None:
        self.chat = chat or self.chat
        self.sockets.clear()
        self.page.goto(f"/chats/{self.chat}/")
        if self.page.locator("html.js").count():
            self.page.wait_for_selector(".transcript.held")

    def say(self, words: str) -> None:
        self.page.fill("#words", words)
        self.page.keyboard.press("Enter")

    @contextmanager
    def until_nobody_speaks_up(self) -> Iterator[None]:
        """Do something, and wait until it is decided that no silent witness has anything to say about it."""

        def is_nobody(frame: str | bytes) -> bool:
            return json.loads(frame).get("state") == "nobody"

        # The page may stand before its socket is known.
        socket = self.sockets[-1] if self.sockets else self.page.wait_for_event("websocket")
        with socket.expect_event("framereceived", is_nobody):
            yield

    def exchange(self, *pairs: tuple[str, str]) -> None:
        """In a new story with one character: say each line, and wait until its answer stands."""
        self.site.model.script(*(say(answer) for _, answer in pairs))
        for number, (words, _) in enumerate(pairs, start=1):
            self.say(words)
            self.until(f"document.querySelectorAll('.turn[data-turn]').length === {2 * number}")
            self.gone(".stop")

    def ask_to_rewrite(self, turn: str, guidance: str = "") -> None:
        self.page.locator(f"#turn-{turn} [data-tool=rewrite]").click()
        self.see("#slip h1", "Rewrite what Mara said")
        self.page.fill("#guidance", guidance)
        self.page.click("#slip button[type=submit]")
        self.gone("#slip[open]")

    def see(self, selector: str, words: str = "") -> Any:
        found = self.page.locator(selector, has_text=words) if words else self.page.locator(selector)
        found.first.wait_for()
        return found

    def gone(self, selector: str) -> None:
        self.page.locator(selector).first.wait_for(state="hidden")

    def turns(self) -> list[str]:
        return self.page.locator(".turn[data-turn]").evaluate_all("turns => turns.map(turn => turn.dataset.text)")

    def until(self, expression: str) -> None:
        # Not wait_for_function, which would need the eval that the page's policy forbids.
        for _ in range(400):
            if self.page.evaluate(expression):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"never came true: {expression}")

    def is_at_the_end(self) -> None:
        """Wait until the newest turn is in sight."""
        self.until(
            "(() => { const t = document.getElementById('transcript');"
            " return t.scrollHeight - t.scrollTop - t.clientHeight < 2; })()"
        )
