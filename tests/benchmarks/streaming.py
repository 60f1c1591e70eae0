"""Many chats replying at once: transit, time to first token, CPU and memory, as a table.

    python -m tests.benchmarks.streaming --chats 20 100

Everything runs on this machine: a model server that stamps each token with the time of its sending, the site
(one web process, a Valkey, SQLite unless --database-url names a PostgreSQL database to use up), and the browsers.
Each chat has one WebSocket. The players post one after another within `--ramp` seconds, then all replies run at
once; the time to the first token includes the posting. A first reply before warms the process up.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect

from tests.console import ROOT
from tests.servers import Valkey, eventually
from tests.site import Site
from tests.site import _free_port as free_port

STAMP = re.compile(r"@(\d+\.\d+) ")
MAKE_CHATS = """
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from chat.turns import chats
from chat.turns.characters import Details, create_character
import json
owner, _ = User.objects.get_or_create(username="bench")
session = SessionStore()
session.update({SESSION_KEY: str(owner.pk), BACKEND_SESSION_KEY: "django.contrib.auth.backends.ModelBackend",
    HASH_SESSION_KEY: owner.get_session_auth_hash()})
session.save()
cast = [create_character(owner, Details(name=name)) for name in ("Mara", "Ilse")]
ids = [chats.begin_chat(owner, title=f"Chat {n}", premise="A lamp.", characters=cast) for n in range(%d)]
print(json.dumps({"session": session.session_key, "chats": ids}))
"""


@dataclass
class Crowd:
    """All the browsers: while every reply runs, from the last one's first token to the first one's last."""

    size: int
    web_pid: int
    begun: int = 0
    tokens: int = 0
    since: tuple[float, float, int] = (0.0, 0.0, 0)
    cpu: float = 0.0
    seconds: float = 0.0
    counted: int = 0

    def begin(self) -> None:
        self.begun += 1
        if self.begun == self.size:
            self.since = time.monotonic(), cpu(self.web_pid), self.tokens
            print(f"all {self.size} replies run (web process {self.web_pid})", flush=True)  # noqa: T201

    def end(self) -> None:
        if not self.seconds and self.begun == self.size:
            began, used, tokens = self.since
            self.seconds, self.cpu = time.monotonic() - began, cpu(self.web_pid) - used
            self.counted = self.tokens - tokens


@dataclass
class Watched:
    """What one browser saw of one reply."""

    posted_at: float = 0.0
    first_at: float = 0.0
    transit: list[float] = field(default_factory=list, repr=False)
    frames: int = 0
    state: str = ""
    error: str = ""
    text: str = field(default="", repr=False)


async def watch(url: str, session: str, everyone: asyncio.Barrier, crowd: Crowd, delay: float) -> Watched:
    seen = Watched()
    origin = url.replace("ws://", "http://").split("/ws/")[0]
    cookie = {"Cookie": f"sessionid={session}"}
    async with connect(url, origin=origin, additional_headers=cookie, compression=None, open_timeout=60) as socket:
        await socket.recv()
        await everyone.wait()
        await asyncio.sleep(delay)
        seen.posted_at = time.time()
        await socket.send(json.dumps({"type": "turn", "text": "Go on."}))
        async for message in socket:
            now = time.time()
            frame = json.loads(message)
            if frame["type"] == "delta":
                if not seen.frames:
                    crowd.begin()
                _take(seen, frame, now)
                crowd.tokens = crowd.tokens + frame["text"].count("@")
            elif frame["type"] == "generation" and frame["state"] not in {"started", "deciding"}:
                seen.state, seen.error = frame["state"], frame.get("error", "")
                crowd.end()
                break
    return seen


def _take(seen: Watched, frame: dict[str, Any], now: float) -> None:
    assert frame["offset"] == len(seen.text), "a token was lost or came twice"
    seen.frames += 1
    seen.first_at = seen.first_at or now
    seen.text += frame["text"]
    seen.transit += [now - float(stamp) for stamp in STAMP.findall(frame["text"])]


async def play(site: Site, made: dict[str, Any], crowd: Crowd, *, ramp: float) -> list[Watched | BaseException]:
    everyone = asyncio.Barrier(len(made["chats"]))
    async with asyncio.timeout(600):
        return await asyncio.gather(
            *(
                watch(
                    f"{site.ws_url}/ws/chats/{chat}/",
                    made["session"],
                    everyone,
                    crowd,
                    ramp * number / len(made["chats"]),
                )
                for number, chat in enumerate(made["chats"])
            ),
            return_exceptions=True,
        )


def measure(site: Site, model_pid: int, *, chats: int, tokens: int, ramp: float) -> dict[str, str]:
    made = json.loads(site.manage("shell", "-v0", "-c", MAKE_CHATS % (chats + 1)).strip().splitlines()[-1])
    # What a process does only once is done before: importing, connecting, compiling templates.
    asyncio.run(play(site, {**made, "chats": [made["chats"].pop()]}, Crowd(1, site.pid), ramp=0))
    quiet, before, model_before = memory(site.pid), cpu(site.pid), cpu(model_pid)
    own, began = time.process_time(), time.monotonic()
    seen = asyncio.run(play(site, made, crowd := Crowd(chats, site.pid), ramp=ramp))
    took = time.monotonic() - began
    good = [one for one in seen if isinstance(one, Watched) and one.state == "finished"]
    for failed in [one for one in seen if one not in good][:3]:
        print(f"failed: {failed!r}")  # noqa: T201
    transit = sorted(delay * 1000 for one in good for delay in one.transit)
    first = sorted((one.first_at - one.posted_at) * 1000 for one in good)
    total = chats * tokens
    return {
        "chats": str(chats),
        "failed": str(chats - len(good)),
        "tokens": f"{len(transit)}/{total}",
        "frames": str(sum(one.frames for one in good)),
        "transit p50": f"{at(transit, 0.5):.1f} ms",
        "p99": f"{at(transit, 0.99):.1f} ms",
        "first token p50": f"{at(first, 0.5):.0f} ms",
        "max": f"{at(first, 1):.0f} ms",
        "CPU/1000 tokens": f"{(cpu(site.pid) - before) / total * 1000:.3f} s",
        "streaming only": f"{crowd.cpu / max(1, crowd.counted) * 1000:.3f} s",
        "tokens/s": f"{crowd.counted / max(0.001, crowd.seconds):.0f}",
        "memory/chat": f"{(memory(site.pid) - quiet) / chats / 1024:.2f} MB",
        "busy web": f"{(cpu(site.pid) - before) / took:.0%}",
        "model": f"{(cpu(model_pid) - model_before) / took:.0%}",
        "clients": f"{(time.process_time() - own) / took:.0%}",
    }


def at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def cpu(pid: int) -> float:
    """Seconds of processor time so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    """Kilobytes resident, at the peak since the process began."""
    status = Path(f"/proc/{pid}/status").read_text()
    return float(re.search(r"VmHWM:\s+(\d+)", status)[1])


@contextlib.contextmanager
def model_server(port: int, *, tokens: int, rate: float) -> Iterator[int]:
    words = [f"--port={port}", f"--tokens={tokens}", f"--tokens-per-second={rate}", "--stamp"]
    process = subprocess.Popen([sys.executable, "-m", "tests.model_server", *words], cwd=ROOT)
    yield process.pid
    process.terminate()
    process.wait()


@dataclass
class _Model:
    url: str


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.streaming", description=main.__doc__)
    parser.add_argument("--chats", type=int, nargs="+", default=[20, 100])
    parser.add_argument("--tokens", type=int, default=400)
    parser.add_argument("--ramp", type=float, default=6.0, help="seconds within which all post")
    parser.add_argument("--rate", type=float, default=30.0, help="tokens a second and chat")
    parser.add_argument("--database-url", default="")
    options = parser.parse_args()
    port = free_port()
    with (
        tempfile.TemporaryDirectory() as folder,
        model_server(port, tokens=options.tokens, rate=options.rate) as model_pid,
    ):
        valkey = Valkey(Path(folder) / "v.sock")
        site = Site(
            var=Path(folder),
            model=_Model(f"http://127.0.0.1:{port}/v1"),
            valkey=valkey,
            database_url=options.database_url,
        )
        site.manage("migrate", "-v0")
        rows = []
        for chats in options.chats:
            site.start()
            eventually(lambda: site.pid, what="the site")
            rows.append(measure(site, model_pid, chats=chats, tokens=options.tokens, ramp=options.ramp))
            site.stop()
        site.close()
        valkey.stop()
        if site.log.strip():
            print(f"the site said:\n{site.log[-3000:]}")  # noqa: T201
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in rows[0]}
    for line in ({name: name for name in rows[0]}, *rows):
        print("  ".join(line[name].rjust(widths[name]) for name in widths))  # noqa: T201


if __name__ == "__main__":
    main()
