"""How fast phantoms are made, masks and reports included: `python bench/phantom.py`.

On one core every kind is made at the size that its target names, patients one after another, round by round; the figure is the
median round. Then a pool of one process per core makes `chest_xray`, alternating with a pure arithmetic loop in the same pool:
what the arithmetic loop gains from the second core is what the machine can give, and phantoms should gain nine tenths of it.

Prints Markdown tables and what became of each target, and writes them beside the figures as JSON.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from environment import HERE, machine_facts
from vesalius.phantom import world

# Each kind at the size at which it is asked for, and how many a second are wanted; None where nobody has said.
SIZES: dict[str, tuple[dict[str, Any], float | None]] = {
    "chest_xray": ({"size_px": 128}, 60),
    "fundus": ({"size_px": 128}, 150),
    "skin": ({"size_px": 128}, 150),
    "cells": ({"size_px": 128}, 150),
    "oct": ({"size_px": 128}, None),
    "chest_ct": ({"size_px": 64}, 12),
    "abdomen_ct": ({"size_px": 64}, None),
    "brain_mr": ({"size_px": 64}, None),
    "knee_mr": ({"size_px": 64}, None),
    "endoscopy": ({"size_px": 96, "frames": 16}, 15),
    "surgery": ({"size_px": 96, "frames": 16}, 15),
    "ultrasound": ({"size_px": 96, "frames": 16}, 15),
}
SCALING = 0.9
POOL_KIND = "chest_xray"
ROUND_S = 2.0


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kinds", nargs="*", default=sorted(SIZES))
    parser.add_argument("--out", type=Path, default=HERE / "results")
    given = parser.parse_args()
    result: dict[str, Any] = {"machine": machine_facts(), "rounds": given.rounds, "kinds": {}}
    unknown = set(world.kinds()) - set(SIZES)
    if unknown:
        raise SystemExit(f"say at which size these are measured: {', '.join(sorted(unknown))}")
    for kind in given.kinds:
        print(kind, file=sys.stderr)
        result["kinds"][kind] = _speed(kind, given.rounds)
    print("pool", file=sys.stderr)
    result["pool"] = _scaling(given.rounds)
    text = table(result)
    print(text)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "phantom.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    (given.out / "phantom.md").write_text(text + "\n", "utf-8")


def _speed(kind: str, rounds: int) -> dict[str, Any]:
    """Patients a second on one core."""
    factors, wanted = SIZES[kind]
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})
    world.make(kind, seed=0, **factors)
    seed, rates = 1, []
    for _ in range(rounds):
        start, count = time.perf_counter(), 0
        while time.perf_counter() - start < ROUND_S:
            world.make(kind, seed=seed, **factors)
            seed, count = seed + 1, count + 1
        rates.append(count / (time.perf_counter() - start))
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    return {
        "factors": factors,
        "wanted": wanted,
        "a_second": round(statistics.median(rates), 1),
        "lowest": round(min(rates), 1),
        "highest": round(max(rates), 1),
    }


def _scaling(rounds: int) -> dict[str, Any]:
    """What a pool gains over one process: for phantoms and for arithmetic, alternating."""
    cores = len(os.sched_getaffinity(0))
    gains: dict[str, list[float]] = {"phantoms": [], "arithmetic": []}
    with ProcessPoolExecutor(cores) as pool:
        for task in (_phantoms, _arithmetic):
            list(pool.map(task, range(cores)))  # warm
        for _ in range(rounds):
            for name, task in (("phantoms", _phantoms), ("arithmetic", _arithmetic)):
                alone, together = _timed(pool, task, 1), _timed(pool, task, cores)
                gains[name].append(cores * alone / together)
    found = {name: round(statistics.median(values), 3) for name, values in gains.items()}
    return {"cores": cores, **found, "share": round(found["phantoms"] / found["arithmetic"], 3), "wanted": SCALING}


def _timed(pool: ProcessPoolExecutor, task: Callable[[int], int], many: int) -> float:
    start = time.perf_counter()
    list(pool.map(task, range(many)))
    return time.perf_counter() - start


def _phantoms(number: int) -> int:
    """Some phantoms, of which nothing but their number crosses the pipe."""
    for seed in range(number * 100, number * 100 + 60):
        world.make(POOL_KIND, seed=seed, size_px=128)
    return number


def _arithmetic(number: int) -> int:
    """About as long, without touching memory."""
    total = number
    for step in range(9_000_000):
        total = (total * 31 + step) & 0xFFFF
    return total


def table(result: dict[str, Any]) -> str:
    """The figures as Markdown."""
    machine, pool = result["machine"], result["pool"]
    lines = [
        f"{machine['cores']} cores, {machine['processor']}, Python {machine['python']}; one core, {result['rounds']} rounds.",
        "",
        "| kind | factors | a second (lowest-highest) | wanted | met |",
        "|---|---|---|---|---|",
    ]
    for kind, row in result["kinds"].items():
        told = " ".join(f"{name}={value}" for name, value in row["factors"].items())
        wanted = row["wanted"]
        met = "" if wanted is None else "yes" if row["a_second"] >= wanted else "no"
        lines.append(f"| {kind} | {told} | {row['a_second']} ({row['lowest']}-{row['highest']}) | {wanted or ''} | {met} |")
    met = "met" if pool["share"] >= pool["wanted"] else "not met"
    lines += [
        "",
        f"A pool of {pool['cores']} processes gains {pool['phantoms']} times with phantoms, {pool['arithmetic']} times with "
        f"arithmetic: a share of {pool['share']} (wanted: {pool['wanted']}, {met}).",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
