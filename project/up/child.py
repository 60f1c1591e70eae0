"""Runs one command that must not outlive the supervisor: `python child.py SUPERVISOR_PID COMMAND ...`.

Started as a plain file by an isolated interpreter: it costs about 20 ms and imports nothing of ours.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading

PR_SET_PDEATHSIG = 1


def main() -> int:
    """Become the command (Linux), or stand beside it and watch (elsewhere)."""
    supervisor, command = int(sys.argv[1]), sys.argv[2:]
    if os.uname().sysname == "Linux":
        # The kernel kills us when the supervisor goes, however it goes; the setting survives exec.
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == supervisor:  # else it died before it could be watched
            os.execvp(command[0], command)  # noqa: S606  (the supervisor's own words)
        return 1
    return _stand_beside(command)


def _stand_beside(command: list[str]) -> int:
    """Run the command until it ends, or until the pipe from the supervisor closes because that died."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603  (the supervisor's own words)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())

    def kill_when_alone() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        os.killpg(os.getpgid(0), signal.SIGKILL)

    threading.Thread(target=kill_when_alone, daemon=True).start()
    code = process.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
