"""How fast a CT series is read, against the peers and against a bare loop: `python bench/read.py`.

The input is made by code: 200 slices of 512 x 512, native and JPEG 2000 lossless, under shuffled names. The contestants
are checked first to deliver the same voxels at the same places. Then each, warm in a process of its own, is asked for
one repetition after the other in turn; a ratio is one of medians. The files lie in the system's cache of pages.

Prints Markdown tables and what became of each target, and writes them beside the figures as JSON. Exit 1 when
contestants disagree.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ct_series
from environment import CACHE, HERE, machine_facts, peers_python, publish
from memory import Watcher, resident
from processes import Process, in_turn, ratio, spread

OURS, BARE, MONAI = "vesalius_reader", "bare_loop", "monai_pydicom"
CONTESTANTS = (OURS, BARE, MONAI, "monai_itk", "simpleitk_series")
FEWEST_ROUNDS = 7
HOLDS = 3  # repetitions under the watch on memory, which slows them and is not timed
SETTLE_S = 0.5
FREE_BYTES = 4 * 2**30  # what the disk must have for the large folder of headers

FASTER_THAN_MONAI, SLOWER_THAN_BARE, MEMORY, GATE_PERCENT, INSPECT_S = 3.0, 1.2, 1.3, 10.0, 5.0


def main() -> int:
    """Measure what the options ask for, print and write it."""
    options = _options()
    cache, rounds = options.cache.resolve(), options.rounds
    facts = machine_facts()
    python = peers_python(cache)
    if facts["load_before"] > 0.3:
        print(f"the machine is busy (load {facts['load_before']}): timings will not mean much", file=sys.stderr)
    result: dict[str, Any] = {"machine": facts, "rounds": rounds, "series": {}, "gate": {}, "headers": {}}
    for syntax in ct_series.SYNTAXES:
        folder = ct_series.series_folder(cache / "inputs", syntax, slices=options.slices, size_px=options.size_px)
        _progress(f"series, {syntax}")
        result["series"][syntax] = _series(folder, python, rounds)
        _progress(f"gate, {syntax}")
        result["gate"][syntax] = _gate(folder, rounds)
    for size_px in options.headers_px:
        if size_px >= 512 and shutil.disk_usage(cache).free < FREE_BYTES:
            _progress(f"headers of {size_px} px left out: the disk is too full")
            continue
        folder = ct_series.headers_folder(cache / "inputs", series=10, slices=options.headers // 10, size_px=size_px)
        _progress(f"headers, {size_px} px")
        result["headers"][str(size_px)] = _headers(folder, rounds)
    result["targets"] = _targets(result)
    publish(result, options.out, table(result))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=CACHE, help="where the peers' environment and the inputs are kept")
    parser.add_argument("--rounds", type=int, default=9, help=f"timed repetitions of each; {FEWEST_ROUNDS} at least to publish")
    parser.add_argument("--slices", type=int, default=200)
    parser.add_argument("--size-px", type=int, default=512)
    parser.add_argument("--headers", type=int, default=2000, help="files of the folders that are inspected")
    parser.add_argument("--headers-px", type=int, nargs="*", default=[64, 512], help="their sizes; 512 takes 1 GB")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "read.json")
    return parser.parse_args()


def _series(folder: Path, python: Path, rounds: int) -> dict[str, Any]:
    """All contestants on one folder: agreement first, then times in turn, then memory."""
    started: list[Process] = []
    try:
        for name in CONTESTANTS:
            interpreter = Path(sys.executable) if name.startswith("vesalius") else python
            started.append(Process(name, interpreter, folder).__enter__())
        bytes_of_array = _agree(started)
        in_turn(started, rounds)
        found = {process.name: process.figures() for process in started}
        for process in started:
            found[process.name]["memory"] = _memory(process, bytes_of_array)
    finally:
        for process in started:
            process.__exit__()
    ours = next(process for process in started if process.name == OURS)
    ratios = {process.name: ratio(process.times_s, ours.times_s) for process in started if process is not ours}
    return {"array_mib": round(bytes_of_array / 2**20, 1), "contestants": found, "time_over_ours": ratios}


def _agree(processes: Sequence[Process]) -> int:
    """Stop unless all deliver the same voxels at the same places; the bytes of the array."""
    digests = {process.name: process.ask("digest") for process in processes}
    first = digests[processes[0].name]
    for name, digest in digests.items():
        differs = [key for key in ("shape", "sha256", "affine") if digest[key] != first[key]]
        if differs:
            raise SystemExit(f"{name} and {processes[0].name} deliver different {' and '.join(differs)}: nothing was timed")
    if first["dtype"] != "float32":
        raise SystemExit(f"{processes[0].name} delivers {first['dtype']}, not float32: nothing was timed")
    return int(processes[0].ask("hold")["bytes"])


def _memory(process: Process, bytes_of_array: int) -> dict[str, Any]:
    """The highest of some repetitions over the warm baseline, in MiB and as a multiple of the array.

    A warm process may have kept memory of the repetition before, which flatters it: `over_fresh_arrays` counts from when
    it had imported its packages and read nothing.
    """
    time.sleep(SETTLE_S)
    baseline = sum(resident(process.pid))
    with Watcher(process.pid) as seen:
        for _ in range(HOLDS):
            process.ask("hold")
    extra = seen.peak_bytes - baseline
    return {
        "fresh_mib": round(process.fresh_bytes / 2**20, 1),
        "warm_mib": round(baseline / 2**20, 1),
        "peak_mib": round(seen.peak_bytes / 2**20, 1),
        "extra_arrays": round(extra / bytes_of_array, 3),
        "over_fresh_arrays": round((seen.peak_bytes - process.fresh_bytes) / bytes_of_array, 3),
        "samples": seen.samples,
    }


def _gate(folder: Path, rounds: int) -> dict[str, Any]:
    """The same tasks through the gate and without it: on one core, where nothing hides the cost, and on all."""
    found: dict[str, Any] = {}
    for cores, label in ((1, "one_core"), (None, "all_cores")):
        ours = Path(sys.executable)
        with Process("gate_through", ours, folder, cores) as through, Process("gate_in_process", ours, folder, cores) as bare:
            if through.ask("digest")["sha256"] != bare.ask("digest")["sha256"]:
                raise SystemExit("the gate delivers other voxels than its tasks do in one process: nothing was timed")
            in_turn([through, bare], rounds)
            found[label] = {
                "through": through.figures(),
                "in_process": bare.figures(),
                "time": ratio(through.times_s, bare.times_s),
                "processor": ratio(through.processor_s, bare.processor_s),
            }
    return found


def _headers(folder: Path, rounds: int) -> dict[str, Any]:
    """What `inspect` takes, as a command from its start to its end, and in a process that is warm."""
    command = [str(Path(sys.executable).with_name("vesalius")), "inspect", str(folder), "--json"]
    environment = os.environ | {"VESALIUS_SALT": "bench"}
    commands_s = []
    for number in range(rounds + 1):
        start = time.perf_counter()
        shown = subprocess.run(command, capture_output=True, check=True, env=environment).stdout
        if number:  # the first brings the files into the system's cache
            commands_s.append(time.perf_counter() - start)
    series = [one for found in json.loads(shown)["studies"] for one in found["series"]]
    with Process("vesalius_headers", Path(sys.executable), folder) as process:
        for _ in range(rounds):
            process.repeat()
        library = process.figures()
    return {
        "files": sum(one["images"] for one in series),
        "series": len(series),
        "mib": round(sum(path.stat().st_size for path in folder.iterdir()) / 2**20),
        "command": spread(commands_s),
        "library": library,
    }


def _targets(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Each target with what was found and whether that meets it."""
    found = []
    for syntax, series in result["series"].items():
        ratios, memory = series["time_over_ours"], series["contestants"][OURS]["memory"]
        bare = 1 / ratios[BARE]["ratio"]
        found += [
            _target(f"{syntax}: faster than MONAI, times", ratios[MONAI]["ratio"], FASTER_THAN_MONAI, at_least=True),
            _target(f"{syntax}: time of the bare loop, times", bare, SLOWER_THAN_BARE),
            _target(f"{syntax}: extra memory, arrays", memory["extra_arrays"], MEMORY),
        ]
        for label, gate in result["gate"][syntax].items():
            name = f"{syntax}: the gate's own cost on {label.replace('_', ' ')}, percent"
            found.append(_target(name, (gate["time"]["ratio"] - 1) * 100, GATE_PERCENT))
    for size_px, headers in result["headers"].items():
        name = f"inspect of {headers['files']} headers, {size_px} px, seconds"
        found.append(_target(name, headers["command"]["median_s"], INSPECT_S))
    return found


def _target(name: str, value: float, wanted: float, *, at_least: bool = False) -> dict[str, Any]:
    met = value >= wanted if at_least else value <= wanted
    return {"target": name, "wanted": f"{'≥' if at_least else '≤'} {wanted:g}", "found": round(value, 3), "met": met}


def table(result: dict[str, Any]) -> str:
    """The figures as Markdown."""
    machine = result["machine"]
    lines = [
        f"{machine['cores']} cores, {machine['memory_gib']} GiB, {machine['processor']}, Python {machine['python']}; "
        f"{result['rounds']} rounds{'' if result['rounds'] >= FEWEST_ROUNDS else ' (too few to publish)'}.",
        "",
        "| series | contestant | median s | min–max s | over ours | processor s | cold start s | extra memory, arrays | "
        "over fresh | peak MiB |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for syntax, series in result["series"].items():
        for name, one in series["contestants"].items():
            ratio = series["time_over_ours"].get(name)
            over = f"{ratio['ratio']:.2f} ({ratio['lowest']:.2f}–{ratio['highest']:.2f})" if ratio else ""
            figures = f"{one['median_s']:.3f} | {one['min_s']:.3f}–{one['max_s']:.3f} | {over} | {one['processor_median_s']:.2f}"
            held = one["memory"]
            memory = f"{held['extra_arrays']:.2f} | {held['over_fresh_arrays']:.2f} | {held['peak_mib']:.0f}"
            lines.append(f"| {syntax} | {name} | {figures} | {one['cold_s']:.2f} | {memory} |")
    lines += ["", "| the gate | through s | in process s | time | processor |", "|---|---|---|---|---|"]
    for syntax, gate in result["gate"].items():
        for label, one in gate.items():
            shown = [
                f"{one[name]['ratio']:.3f} ({one[name]['lowest']:.2f}–{one[name]['highest']:.2f})"
                for name in ("time", "processor")
            ]
            times = f"{one['through']['median_s']:.3f} | {one['in_process']['median_s']:.3f}"
            lines.append(f"| {syntax}, {label.replace('_', ' ')} | {times} | {shown[0]} | {shown[1]} |")
    lines += ["", "| headers | MiB | command s (min–max) | warm library s (min–max) |", "|---|---|---|---|"]
    for size_px, one in result["headers"].items():
        shown = [
            f"{one[name]['median_s']:.2f} ({one[name]['min_s']:.2f}–{one[name]['max_s']:.2f})" for name in ("command", "library")
        ]
        lines.append(f"| {one['files']} of {size_px} px in {one['series']} series | {one['mib']} | {shown[0]} | {shown[1]} |")
    lines += ["", "| target | wanted | found | met |", "|---|---|---|---|"]
    lines += [
        f"| {one['target']} | {one['wanted']} | {one['found']:g} | {'yes' if one['met'] else 'no'} |" for one in result["targets"]
    ]
    return "\n".join(lines)


def _progress(said: str) -> None:
    print(said, file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
