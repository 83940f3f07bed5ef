"""How much memory a family of processes takes, watched from outside of it.

The proportional set size counts a shared page once, split among those that map it. Pages of shared memory that nobody
maps at that moment are in no process's sum, so they are taken from the machine's own count of shared memory instead.
"""

import re
import threading
from pathlib import Path

from contestant import family

EVERY_S = 0.003


class Watcher:
    """Samples a family in a thread while it works: `with Watcher(pid) as seen: …; seen.peak_bytes`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.peak_bytes = 0
        self.samples = 0
        self._shared_before = _machine_shared_bytes()
        self._family_shared_before = resident(pid)[1]
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Watcher":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(EVERY_S):
            own, shared = resident(self.pid)
            grown = _machine_shared_bytes() - self._shared_before + self._family_shared_before
            self.peak_bytes = max(self.peak_bytes, own + max(shared, grown))
            self.samples += 1


def resident(pid: int, *, alone: bool = False) -> tuple[int, int]:
    """Proportional bytes of a process and, unless `alone`, all below it: of their own and of files; of shared memory."""
    own = shared = 0
    for member in [pid] if alone else family(pid):
        try:
            text = Path(f"/proc/{member}/smaps_rollup").read_text("ascii")
        except OSError:  # it has ended meanwhile
            continue
        sizes = {name: int(size) * 1024 for name, size in re.findall(r"^(Pss\w*):\s+(\d+) kB", text, re.MULTILINE)}
        shared += sizes.get("Pss_Shmem", 0)
        own += sizes.get("Pss", 0) - sizes.get("Pss_Shmem", 0)
    return own, shared


def _machine_shared_bytes() -> int:
    found = re.search(r"^Shmem:\s+(\d+) kB", Path("/proc/meminfo").read_text("ascii"), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
