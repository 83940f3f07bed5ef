"""Contestants in processes of their own, asked in turn for one repetition after the other, and what is made of their times."""

import json
import os
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from environment import HERE
from memory import resident


@dataclass
class Process:
    """A contestant that runs: what it is asked for, one line each."""

    name: str
    python: Path
    folder: Path
    cores: int | None = None
    pid: int = 0
    fresh_bytes: int = 0
    cold_s: float = 0.0
    packages: dict[str, str] = field(default_factory=dict)
    times_s: list[float] = field(default_factory=list)
    processor_s: list[float] = field(default_factory=list)

    def __enter__(self) -> "Process":
        command = [str(self.python), str(HERE / "contestant.py"), self.name, str(self.folder)]
        if self.cores is not None:
            first = sorted(os.sched_getaffinity(0))[: self.cores]
            command = ["taskset", "--cpu-list", ",".join(map(str, first)), *command]
        environment = os.environ | {"VESALIUS_SALT": "bench"}
        start = time.perf_counter()
        self.running = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        ready = self._answer()
        self.pid, self.packages = ready["pid"], ready["packages"]
        self.cold_s = time.perf_counter() - start
        self.fresh_bytes = sum(resident(self.pid))
        start = time.perf_counter()
        self.ask("warm")
        self.cold_s += time.perf_counter() - start
        return self

    def __exit__(self, *_: object) -> None:
        assert self.running.stdin is not None, "it was started with pipes"
        if self.running.poll() is None:
            self.running.stdin.write("quit\n")
            self.running.stdin.flush()
        self.running.wait(30)

    def ask(self, command: str) -> dict[str, Any]:
        """The answer to one of `contestant.COMMANDS`."""
        assert self.running.stdin is not None, "it was started with pipes"
        self.running.stdin.write(command + "\n")
        self.running.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.running.stdout is not None, "it was started with pipes"
        line = self.running.stdout.readline()
        if not line:
            raise SystemExit(f"the contestant {self.name} ended by itself; run: {self.python} bench/contestant.py {self.name} …")
        return dict(json.loads(line))

    def repeat(self) -> None:
        """One timed repetition."""
        found = self.ask("time")
        self.times_s.append(found["seconds"])
        self.processor_s.append(found["cpu_s"])

    def figures(self) -> dict[str, Any]:
        """Median, range and what it took to get warm."""
        return {
            **spread(self.times_s),
            "processor_median_s": round(statistics.median(self.processor_s), 4),
            "cold_s": round(self.cold_s, 3),
            "packages": self.packages,
        }


def in_turn(processes: Sequence[Process], rounds: int) -> None:
    """Repetitions of all, another one first in each round."""
    for number in range(rounds):
        for index in range(len(processes)):
            processes[(number + index) % len(processes)].repeat()


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and range of some times, in seconds."""
    return {
        "median_s": round(statistics.median(values), 4),
        "min_s": round(min(values), 4),
        "max_s": round(max(values), 4),
    }


def ratio(over: Sequence[float], under: Sequence[float]) -> dict[str, float]:
    """The ratio of medians, and the lowest and the highest of the rounds'."""
    by_round = [one / other for one, other in zip(over, under, strict=True)]
    return {
        "ratio": round(statistics.median(over) / statistics.median(under), 3),
        "lowest": round(min(by_round), 3),
        "highest": round(max(by_round), 3),
    }
