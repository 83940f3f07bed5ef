"""The reader under test, in a process of its own: `python bench/subject.py [--whole]`, one folder a line, one JSON answer each.

Reads each folder as a user would and loads one part of every picture, or with --whole all of it. Whatever is no refusal
is named with its place, and ends the answer, not the process.
"""

import contextlib
import gc
import json
import os
import sys
import time
import traceback
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vesalius.clinical import study
from vesalius.errors import InputRefused
from vesalius.types import Array, Image, Part

LOADED_WHOLE_BYTES = 2**27
BOX_PX = 64
SLOW_S = 5.0
FAULT = "reader_fault"  # the code by which a worker says that a reader has met something that it did not expect


def main(*, whole: bool) -> None:
    """Serve until standard input ends; standard output is for answers alone."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        answer = look_at(Path(line.rstrip("\n")), whole=whole)
        gc.collect()
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def look_at(folder: Path, *, whole: bool) -> dict[str, Any]:
    """What became of every file of a folder, every word that was said, how long each step took, and our own faults."""
    answer: dict[str, Any] = {"refused": [], "loads": [], "warnings": [], "texts": [], "faults": [], "slow": [], "slowest_s": 0.0}
    found: list[study.Inventory] = []
    with _timed(answer, "read", ""):
        try:
            found.append(study.read([folder]))
        except InputRefused as refusal:
            answer["refused"].append(["", None, refusal.code])
            answer["texts"].append(refusal.message)
    for inventory in found:
        _tell(inventory, answer)
        for one in inventory.studies:
            for series in one.series:
                for image in series.images:
                    _load(image, answer, whole=whole)
    return answer


def _tell(inventory: study.Inventory, answer: dict[str, Any]) -> None:
    """Every word of an inventory, and the files that were refused."""
    for rejected in inventory.rejected:
        origin = inventory.files[int(rejected.item.split("-")[0])]
        name = origin.path.name
        answer["refused"].append([name, origin.member, rejected.code])
        if rejected.code == FAULT:
            answer["faults"].append({"at": "read", "file": name, "fault": rejected.message})
    shown = inventory.to_json()
    answer["texts"].append(json.dumps(shown, ensure_ascii=False))
    of_series = [warning for one in shown["studies"] for series in one["series"] for warning in series["warnings"]]
    answer["warnings"] += [warning["code"] for warning in (*shown["warnings"], *of_series)]


def _load(image: Image, answer: dict[str, Any], *, whole: bool) -> None:
    """A picture, or one part of it: a slice, a frame or a box."""
    name = image.source.path.name if image.source.path else ""
    outcome = "loaded"
    with _timed(answer, "load", name):
        try:
            values = image.load() if whole else _part_of(image, zlib.crc32(name.encode()))
            if not values.size:
                answer["faults"].append({"at": "load", "file": name, "fault": "an empty array"})
        except InputRefused as refusal:
            outcome = refusal.code
            if outcome == FAULT:
                answer["faults"].append({"at": "load", "file": name, "fault": refusal.message})
            answer["texts"].append(refusal.message)
    answer["loads"].append([name, image.source.format, outcome])


def _part_of(image: Image, number: int) -> Array:
    rows, columns = image.levels[-1] if image.levels else image.shape[-2:]
    level = max(len(image.levels) - 1, 0)
    leading = tuple(number % length for length in image.shape[:-2])
    y0, x0 = number % max(rows - BOX_PX, 1), number % max(columns - BOX_PX, 1)
    box = (y0, x0, min(rows, y0 + BOX_PX), min(columns, x0 + BOX_PX))
    whole_bytes = 8 * image.channels
    for length in image.shape:
        whole_bytes *= length
    if image.kind == "slide" or number % 4 == 0:
        return image.part(Part(leading, box, level))
    if leading and (number % 4 == 1 or whole_bytes > LOADED_WHOLE_BYTES):
        return image.part(Part(leading))
    return image.load()


@contextlib.contextmanager
def _timed(answer: dict[str, Any], at: str, name: str) -> Iterator[None]:
    """Keep the longest time, and what is no refusal as a fault of ours."""
    start = time.perf_counter()
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, the run goes on and says so
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(last.filename).name}:{last.lineno}"
        answer["faults"].append({"at": at, "file": name, "fault": f"{type(error).__name__} at {place}: {str(error)[:500]}"})
    finally:
        seconds = time.perf_counter() - start
        answer["slowest_s"] = max(answer["slowest_s"], seconds)
        if seconds > SLOW_S:
            answer["slow"].append([name, round(seconds, 1)])


if __name__ == "__main__":
    main(whole="--whole" in sys.argv[1:])
