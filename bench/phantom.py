"""How fast phantoms are made, masks and reports included: `python bench/phantom.py`.

On one core every kind is made at the size that its target names, patients one after another, round by round: pictures, masks,
measurements and the reports in four languages. The figure is the median round; beside it stands how many a second of processor
time make, which a busy machine hardly changes. Then a pool of one process per core makes `chest_xray`, alternating with a pure
arithmetic loop in the same pool: what that loop gains from further cores is what the machine can give, and phantoms should gain
nine tenths of it.

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
WARM = 8  # patients, so that every table that is made once is there
BUSY = 0.5  # of load before, above which a timing does not mean much


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kinds", nargs="*", default=sorted(SIZES))
    parser.add_argument("--out", type=Path, default=HERE / "results")
    given = parser.parse_args()
    result: dict[str, Any] = {"machine": machine_facts(), "rounds": given.rounds, "kinds": {}}
    if result["machine"]["load_before"] > BUSY:
        print(f"the machine is busy (load {result['machine']['load_before']}): timings will not mean much", file=sys.stderr)
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
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    for seed in range(WARM):
        world.make(kind, seed=seed, **factors)
    seed, rates, processor = WARM, [], []
    for _ in range(rounds):
        start, used, count = time.perf_counter(), time.process_time(), 0
        while time.perf_counter() - start < ROUND_S:
            world.make(kind, seed=seed, **factors)
            seed, count = seed + 1, count + 1
        rates.append(count / (time.perf_counter() - start))
        processor.append(count / (time.process_time() - used))
    os.sched_setaffinity(0, allowed)
    return {
        "factors": factors,
        "wanted": wanted,
        "a_second": round(statistics.median(rates), 1),
        "lowest": round(min(rates), 1),
        "highest": round(max(rates), 1),
        "a_processor_second": round(statistics.median(processor), 1),
    }


def _scaling(rounds: int) -> dict[str, Any] | None:
    """What a pool gains over one process: for phantoms and for arithmetic, alternating; None where there is one core."""
    cores = len(os.sched_getaffinity(0))
    if cores == 1:
        return None
    gains: dict[str, list[float]] = {"phantoms": [], "arithmetic": []}
    with ProcessPoolExecutor(cores) as pool:
        for task in (_phantoms, _arithmetic):
            list(pool.map(task, range(cores)))  # warm
        for _ in range(rounds):
            for name, task in (("phantoms", _phantoms), ("arithmetic", _arithmetic)):
                alone, together = _timed(pool, task, 1), _timed(pool, task, cores)
                gains[name].append(cores * alone / together)
    found = {name: round(statistics.median(values), 3) for name, values in gains.items()}
    shares = [ours / most for ours, most in zip(gains["phantoms"], gains["arithmetic"], strict=True)]
    return {
        "cores": cores,
        **found,
        "share": round(statistics.median(shares), 3),
        "lowest": round(min(shares), 3),
        "highest": round(max(shares), 3),
        "wanted": SCALING,
    }


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
        f"{machine['cores']} cores, {machine['memory_gib']} GiB, {machine['processor']}, Python {machine['python']}; load before "
        f"{machine['load_before']}; {machine['date']}, commit {machine['commit']}; {result['rounds']} rounds of {ROUND_S:g} s.",
        "",
        "| kind | factors | a second on one core (lowest-highest) | a second of processor time | wanted | met |",
        "|---|---|---|---|---|---|",
    ]
    for kind, row in result["kinds"].items():
        told = " ".join(f"{name}={value}" for name, value in row["factors"].items())
        wanted = row["wanted"]
        met = "" if wanted is None else "yes" if row["a_second"] >= wanted else "no"
        figures = f"{row['a_second']} ({row['lowest']}-{row['highest']}) | {row['a_processor_second']}"
        lines.append(f"| {kind} | {told} | {figures} | {'' if wanted is None else f'≥ {wanted:g}'} | {met} |")
    if pool is None:
        return "\n".join([*lines, "", "There is one core: what a pool gains was not measured."])
    met = "met" if pool["share"] >= pool["wanted"] else "not met"
    lines += [
        "",
        f"A pool of {pool['cores']} processes gains {pool['phantoms']} times with phantoms, {pool['arithmetic']} times with "
        f"arithmetic: a share of {pool['share']} ({pool['lowest']}-{pool['highest']}; wanted: ≥ {pool['wanted']}, {met}).",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
