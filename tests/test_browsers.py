"""Where the tests get their browser from."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests import browsers


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is asked of the place that Playwright downloads from, which has nothing."""
    paths: list[str] = []

    class Nothing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Nothing) as server:
        threading.Thread(target=server.serve_forever).start()
        monkeypatch.setenv("PLAYWRIGHT_DOWNLOAD_HOST", f"http://127.0.0.1:{server.server_port}")
        yield paths
        server.shutdown()


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """A machine without any browser."""
    monkeypatch.delenv("PALIMPSEST_TEST_CHROMIUM", raising=False)
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "browsers"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(browsers, "NAMES", ())
    monkeypatch.setattr(browsers, "PLACES", ())


@pytest.mark.once
@pytest.mark.usefixtures("bare")
def test_playwrights_own_browser_is_asked_for_and_may_be_refused(asked):
    browsers.install_playwrights_own()

    assert any("chrome-headless-shell" in path for path in asked)
    assert browsers.find_chromium() is None


@pytest.mark.once
@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(("status", "found"), [(0, True), (127, False)])
def test_playwrights_own_browser_is_taken_if_it_runs(tmp_path, status, found):
    folder = tmp_path / "browsers/chromium_headless_shell-1/chrome-headless-shell-linux64"
    folder.mkdir(parents=True)
    browser = folder / "chrome-headless-shell"
    browser.write_text(f"#!/bin/sh\nexit {status}\n")
    browser.chmod(0o755)

    assert browsers.find_chromium() == (browser if found else None)
