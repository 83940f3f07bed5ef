"""Many different pictures in one process: `python bench/soak.py`. Does it grow?

Pictures of every format are made by code, no two alike, and written a batch at a time; one process reads each folder
and loads every part of it, whole. The memory of that process and of its workers is weighed after every batch from
outside. Says flat, grows or undecided, by the interval of the slope (see `growth.py`). Exit 1 unless flat,
and when the reader had a fault.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from environment import HERE, machine_facts
from growth import growth
from memory import resident
from seeds import Seed, made

IMAGES = 2000
BATCH = 16
GROWN_PX = 96  # what is added to a side for the largest pictures


def main() -> int:
    """Soak, print what was found and write it."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="soak") as work:
        result = _soak(options.images, Path(work))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(summary(result))
    return int(bool(result["faults"]) or any(found["verdict"] != "flat" for found in result["memory"].values()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "soak.json")
    return parser.parse_args()


def _soak(images: int, work: Path) -> dict[str, Any]:
    """Batches until so many pictures were loaded."""
    environment = os.environ | {"VESALIUS_SALT": "soak", "TMPDIR": str(work)}
    command = [sys.executable, str(HERE / "subject.py"), "--whole"]
    done: list[int] = []
    used: dict[str, list[float]] = {"parent": [], "workers": [], "parent_and_workers": []}
    outcomes: Counter[str] = Counter()
    formats: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    files, start = _different(), time.monotonic()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdin is not None, "it was started with pipes"
        assert process.stdout is not None, "it was started with pipes"
        while sum(outcomes.values()) < images:
            folder = work / "batch"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for number in range(BATCH):
                one = next(files)
                (folder / f"{number:03d}{one.suffix}").write_bytes(one.content)
            process.stdin.write(f"{folder}\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            faults.update(fault["fault"] for fault in answer["faults"])
            outcomes.update(outcome for _, _, outcome in answer["loads"])
            formats.update(name for _, name, _ in answer["loads"])
            done.append(sum(outcomes.values()))
            parent, both = sum(resident(process.pid, alone=True)), sum(resident(process.pid))
            for name, size in (("parent", parent), ("workers", both - parent), ("parent_and_workers", both)):
                used[name].append(size / 2**20)
        process.stdin.close()
    return {
        "machine": machine_facts(),
        "images": done[-1],
        "seconds": round(time.monotonic() - start, 1),
        "outcomes": dict(outcomes),
        "formats": dict(formats.most_common()),
        "faults": dict(faults),
        "memory": {name: growth(done, sizes).to_json() for name, sizes in used.items()},
        "samples": [[at, round(size, 1)] for at, size in zip(done, used["parent_and_workers"], strict=True)][::8],
    }


def _different() -> Iterator[Seed]:
    """Files without end, no two with the same pixels or, mostly, of one size."""
    for number in count():
        yield from made(number * 10, larger_px=number * 7 % GROWN_PX)


def summary(result: dict[str, Any]) -> str:
    """What was found, in words."""
    lines = [
        f"{result['images']} pictures in {result['seconds']:g} s: {', '.join(f'{k} {v}' for k, v in result['outcomes'].items())}",
        f"formats: {', '.join(f'{name} {times}' for name, times in result['formats'].items())}",
    ]
    for name, found in result["memory"].items():
        slope = f"{found['per_thousand_mib']:+.2f} MiB a thousand pictures, {found['low_mib']:+.2f} to {found['high_mib']:+.2f}"
        said = name.replace("_", " ")
        lines.append(f"{said}: {found['first_mib']:.1f} → {found['last_mib']:.1f} MiB, {found['verdict']} ({slope})")
    lines += [f"fault, {times} times: {fault}" for fault, times in result["faults"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
