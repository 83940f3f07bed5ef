"""A process that forks runs which may be killed: what they import is there already, so that most of a run is what it is about."""

import subprocess
import sys
from pathlib import Path

SERVE = """
import os, signal, sys
print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        run(*line.rstrip("\\n").split("\\t"))
        os._exit(0)
    if sys.stdin.readline() == "kill\\n":
        os.kill(child, signal.SIGKILL)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Runs:
    """Runs of a function `run` of some paths, which `code` defines, one at a time, each in a process of its own."""

    def __init__(self, code: str) -> None:
        command = [sys.executable, "-c", code + SERVE]
        pipe, quiet = subprocess.PIPE, subprocess.DEVNULL
        self._server = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=quiet, text=True)
        assert self._server.stdout is not None, "it was started with pipes"
        assert self._server.stdout.readline() == "ready\n"

    def __enter__(self) -> "Runs":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.communicate()

    def begin(self, *paths: Path) -> None:
        """Begin a run."""
        self._say("\t".join(map(str, paths)))

    def wait(self) -> int:
        """How the run ended by itself: 0 is well."""
        return self._ended("wait")

    def kill(self) -> int:
        """End the run as nobody can prevent; how it ended: less than 0 the signal, 0 if it was over before."""
        return self._ended("kill")

    def _ended(self, how: str) -> int:
        self._say(how)
        assert self._server.stdout is not None, "it was started with pipes"
        return int(self._server.stdout.readline())

    def _say(self, line: str) -> None:
        assert self._server.stdin is not None, "it was started with pipes"
        self._server.stdin.write(line + "\n")
        self._server.stdin.flush()
