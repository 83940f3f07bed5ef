"""One contestant in a process of its own: `python bench/contestant.py NAME FOLDER`.

It imports what it needs, says so, and then does what it is asked for, one JSON line for each:

    warm    read for the first time
    time    read once more; {"seconds", "cpu_s"}: the wall's clock, and the processor's of this process and its children
    hold    read once more, touch every voxel, let go; {"bytes"}: how large the array was
    digest  read once more; {"sha256", "shape", "dtype", "affine"}: what was read, as float32 in (Z, Y, X) and LPS
    told    what the contestant says of itself after all that, where it says anything
    quit    end

A contestant is a module of `contestants/` with `PACKAGES`, `read(folder)` and, where it delivers voxels, `aligned(result)`.
"""

import gc
import hashlib
import importlib
import json
import os
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

TICKS = os.sysconf("SC_CLK_TCK")


def main(name: str, folder: Path) -> None:
    """Serve until told to quit; standard output is for answers alone."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print goes where it does not disturb
    warnings.simplefilter("ignore")
    contestant = importlib.import_module(f"contestants.{name}")
    _say(answers, {"pid": os.getpid(), "packages": {package: version(package) for package in contestant.PACKAGES}})
    for line in sys.stdin:
        command = line.strip()
        if command == "quit":
            return
        _say(answers, COMMANDS[command](contestant, folder))
        gc.collect()


def family(pid: int) -> list[int]:
    """A process and all processes below it."""
    found = [pid]
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            children = (thread / "children").read_text("ascii").split()
            found += [member for child in children for member in family(int(child))]
    except OSError:  # it has ended meanwhile
        return found
    return found


def processor_s(pid: int) -> float:
    """The processor time that a process has used, in user and system mode."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def _warm(contestant: ModuleType, folder: Path) -> dict[str, Any]:
    contestant.read(folder)
    return {}


def _time(contestant: ModuleType, folder: Path) -> dict[str, Any]:
    gc.collect()
    spent = sum(map(processor_s, family(os.getpid())))
    start = time.perf_counter()
    result = contestant.read(folder)
    seconds = time.perf_counter() - start
    spent = sum(map(processor_s, family(os.getpid()))) - spent
    del result
    return {"seconds": seconds, "cpu_s": spent}


def _hold(contestant: ModuleType, folder: Path) -> dict[str, Any]:
    result = contestant.read(folder)
    volume, _ = contestant.aligned(result)
    lowest = float(volume.min())
    return {"bytes": int(volume.nbytes), "lowest": lowest}


def _digest(contestant: ModuleType, folder: Path) -> dict[str, Any]:
    volume, affine = contestant.aligned(contestant.read(folder))
    content = np.ascontiguousarray(volume, dtype="<f4")
    rounded = [[round(float(value), 4) + 0.0 for value in row] for row in affine]
    found = hashlib.sha256(content.tobytes()).hexdigest()
    return {"sha256": found, "shape": list(volume.shape), "dtype": str(volume.dtype), "affine": rounded}


def _told(contestant: ModuleType, folder: Path) -> dict[str, Any]:
    return dict(contestant.told(folder))


def _say(answers: Any, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


COMMANDS = {"warm": _warm, "time": _time, "hold": _hold, "digest": _digest, "told": _told}

if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
