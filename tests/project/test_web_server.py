"""The web process goes when it is told to, whatever is still connected to it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import unix_connect

from project.web_server import address
from tests.console import ROOT
from tests.servers import connects, eventually

pytestmark = pytest.mark.once
SCRIPT = """
from project.web_server import WebServer, address, leave
import asyncio, sys

async def application(scope, receive, send):
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        while "more" not in (await receive()).get("text", ""):
            pass
        print("talking", flush=True)
        gone = asyncio.ensure_future(receive())
        try:
            while not gone.done():
                await send({"type": "websocket.send", "text": "and on"})
                await asyncio.sleep(0.0001)
        except Exception as error:
            print("lost", error, flush=True)
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello", "more_body": True})
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if "stubborn" not in sys.argv:
                raise

async def settle():
    print("settling", flush=True)
    if "slow" in sys.argv:
        await asyncio.sleep(60)
    if "failing" in sys.argv:
        raise ValueError("no")
    print("settled", flush=True)

server = WebServer(application, listen_on=address(host="127.0.0.1", port=0, unix=sys.argv[1]), settle=settle)
server.run()
if server.cannot_listen:
    sys.exit(server.cannot_listen)
leave()
"""


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("w")


@contextlib.contextmanager
def serving(path: Path, *ways: str) -> "Iterator[subprocess.Popen[str]]":
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(path), *ways],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            eventually(lambda: process.poll() is not None or connects(path), what="the server")
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def connected(path: Path) -> Iterator[None]:
    """A request whose answer goes on for ever."""
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as client:
        client.connect(str(path))
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(1024).startswith(b"HTTP/1.1 200")
        yield


def seconds_to_end(process: "subprocess.Popen[str]") -> float:
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    return time.monotonic() - started


@pytest.mark.parametrize(
    ("ways", "patience"),
    [((), 1.5), (("failing",), 1.5), (("slow",), 4.0), (("stubborn",), 4.0), (("slow", "stubborn"), 4.0)],
)
def test_it_ends_in_time_with_an_open_stream(folder: Path, ways: tuple[str, ...], patience: float):
    path = folder / "web.sock"
    with serving(path, *ways) as process, connected(path):
        assert seconds_to_end(process) < patience

        assert process.returncode == 0
        assert process.stdout
        assert process.stdout.readline() == "settling\n"


def test_a_tab_that_closes_while_it_is_told_something_is_no_error(folder: Path):
    with serving(folder / "w.sock") as process:
        for _ in range(20):
            with unix_connect(str(folder / "w.sock"), uri="ws://localhost/", close_timeout=0.2) as tab:
                tab.send("more")
                tab.recv()
        process.terminate()
        said = process.communicate(timeout=10)[0]

    assert said.count("talking") == 20
    assert "lost" not in said


def test_a_socket_that_another_server_holds_is_an_error(folder: Path):
    path = folder / "web.sock"
    with serving(path), connected(path), serving(path) as second:
        assert second.wait(20) != 0


def test_an_ipv6_address_is_written_as_twisted_reads_it():
    assert address(host="[::1]", port=8000, unix=None) == r"tcp:port=8000:interface=\:\:1:backlog=1024"
