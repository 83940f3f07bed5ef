"""Broken files through the reader: `python bench/fuzz.py --minutes 20`, and `--replay FILE` for one that was kept.

Real files of VESALIUS_DATA and small ones of every format made by code are broken (see `mutations.py`), put into
folders and read as a user would; one part of every picture that can be read is loaded. The reader runs in a process of
its own (`subject.py`), so that its death is seen. What counts as bad:

    crash        the reading process died
    fault        an exception that is no refusal, or the code `reader_fault` of a worker
    hang         one step took longer than the limit
    leak         a message holds a canary, a text of the source file, a path or an address
    left behind  a temporary file is still there
    growth       memory of the parent or its workers grows with the number of inputs

Every offending input is kept with the seed that made it. The same seed and the same files make the same inputs.
Exit 1 if anything bad was found.
"""

import argparse
import json
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import seeds
import vesalius
from environment import CACHE, HERE, machine_facts
from growth import growth
from made_content import CANARY, PLANTED
from memory import resident
from mutations import Broken, broken

BATCH = 48
LIMIT_S = 60.0  # the gate's own limits are 10 s of processor time for an item and twice that on the wall
PATH = re.compile(r"(?<![\w.<])/(?:[\w.+-]+/)+[\w.+-]*|[A-Za-z]:\\\w")
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{5,}|https?://|\b\d{1,3}(?:\.\d{1,3}){3}\b|Traceback")
WARM_INPUTS = 4000  # until then workers still import what only rare inputs need
KEPT_ALIKE = 3  # inputs that are kept of those that do the same
BROUGHT_DOWN = "was brought down"  # the gate's words for a worker that a file has killed; the parent goes on
SHOWN = 300  # characters of a message that a finding quotes


@dataclass
class Found:
    """Something bad: what, at which input, and the words that show it."""

    kind: str
    index: int
    seed: str
    steps: tuple[str, ...]
    detail: str
    kept: str = ""


@dataclass
class Tally:
    """What has happened so far."""

    inputs: int = 0
    batches: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    members: Counter[str] = field(default_factory=Counter)
    loads: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    mutations: Counter[str] = field(default_factory=Counter)
    brought_down: int = 0
    slowest_s: float = 0.0
    slow: list[dict[str, Any]] = field(default_factory=list)
    bad: Counter[str] = field(default_factory=Counter)
    alike: Counter[tuple[str, str]] = field(default_factory=Counter)
    done: list[int] = field(default_factory=list)
    parent_mib: list[float] = field(default_factory=list)
    family_mib: list[float] = field(default_factory=list)
    findings: list[Found] = field(default_factory=list)


class Subject:
    """The reading process: folders in, answers out."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.temporary = work / "tmp"
        self.temporary.mkdir(exist_ok=True)
        self.words = work / "words"
        self._start()

    def _start(self) -> None:
        environment = os.environ | {"VESALIUS_SALT": "fuzz", "TMPDIR": str(self.temporary)}
        with self.words.open("ab") as words:
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "subject.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=words,
                env=environment,
            )

    def send(self, folder: Path) -> None:
        """Ask for a folder."""
        assert self.process.stdin is not None, "it was started with pipes"
        self.process.stdin.write(os.fsencode(folder) + b"\n")
        self.process.stdin.flush()

    def answer(self, limit_s: float) -> dict[str, Any] | str:
        """What it says of the folder; or "hang", or how it died."""
        assert self.process.stdout is not None, "it was started with pipes"
        if not select.select([self.process.stdout], [], [], limit_s)[0]:
            self.restart()
            return "hang"
        line = self.process.stdout.readline()
        if line:
            return dict(json.loads(line))
        status = self.process.wait()
        self.restart()
        return f"exit status {status}"

    def said(self) -> str:
        """What it has printed since the last time."""
        text = self.words.read_text("utf-8", errors="replace")
        os.truncate(self.words, 0)
        return text

    def restart(self) -> None:
        """A new one in its place."""
        self.stop()
        self._start()

    def stop(self) -> None:
        """End it; its workers end with it."""
        self.process.kill()
        self.process.wait()


class Run:
    """One run over a fixed list of seeds."""

    def __init__(self, found: Sequence[seeds.Seed], run_seed: int, keep: Path, work: Path) -> None:
        self.seeds, self.run_seed, self.keep, self.work = found, run_seed, keep, work
        self.subject = Subject(work)
        self.tally = Tally()
        self.ours = "\n".join(place.read_text("utf-8") for place in sorted(Path(vesalius.__file__).parent.rglob("*.py")))

    def go(self, seconds: float) -> None:
        """Batch after batch until the time is up; the next is made while one is read."""
        until = time.monotonic() + seconds
        batch = self._batch()
        while time.monotonic() < until:
            folder = self._write(batch)
            self.subject.send(folder)
            following = self._batch(len(batch))
            self._take(batch, self.subject.answer(LIMIT_S * len(batch)))
            shutil.rmtree(folder)
            batch = following
        self.subject.stop()
        self._left_behind()

    def _batch(self, ahead: int = 0) -> list[Broken]:
        first = self.tally.inputs + ahead
        return [broken(index, self.run_seed, self.seeds) for index in range(first, first + BATCH)]

    def _write(self, batch: Iterable[Broken]) -> Path:
        folder = self.work / f"{CANARY}FOLDER"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for one in batch:
            (folder / _file_name(one)).write_bytes(one.content)
        return folder

    def _take(self, batch: Sequence[Broken], answer: dict[str, Any] | str) -> None:
        """Count a batch's answer, and look into it file by file when something is bad that names no file."""
        tally = self.tally
        tally.batches += 1
        tally.inputs += len(batch)
        tally.mutations.update(step for one in batch for step in one.steps)
        if isinstance(answer, str):
            self._single(batch, [(_kind(answer), "", answer)])
        else:
            bad = self._bad(batch, answer, self.subject.said())
            by_name = {_file_name(one): one for one in batch}
            for kind, name, words in bad:
                if name in by_name:
                    self._note(kind, by_name[name], words)
            if unnamed := [one for one in bad if one[1] not in by_name]:
                self._single(batch, unnamed)
            tally.refused.update(code for _, member, code in answer["refused"] if member is None)
            tally.members.update(code for _, member, code in answer["refused"] if member is not None)
            tally.refused["read"] += len(batch) - sum(member is None for _, member, _ in answer["refused"])
            tally.loads.update(outcome for _, _, outcome in answer["loads"])
            tally.formats.update(name for _, name, _ in answer["loads"])
            tally.warnings.update(answer["warnings"])
            tally.brought_down += sum(text.count(BROUGHT_DOWN) for text in answer["texts"])
            tally.slowest_s = max(tally.slowest_s, answer["slowest_s"])
            for name, seconds in answer["slow"]:
                one = by_name.get(name)
                tally.slow.append(
                    {"input": one.index if one else batch[0].index, "seed": one.seed.name if one else "", "s": seconds}
                )
        self._weigh()
        if tally.batches % 20 == 0:
            print(_line(tally), file=sys.stderr)

    def _weigh(self) -> None:
        pid = self.subject.process.pid
        self.tally.done.append(self.tally.inputs)
        self.tally.family_mib.append(sum(resident(pid)) / 2**20)
        self.tally.parent_mib.append(sum(resident(pid, alone=True)) / 2**20)

    def _bad(self, batch: Sequence[Broken], answer: dict[str, Any], printed: str) -> list[tuple[str, str, str]]:
        """What is bad about an answer: kind, the file's name where it is known, and words."""
        found = [("fault", fault["file"], f"{fault['at']}: {fault['fault']}") for fault in answer["faults"]]
        found += [("hang", name, f"{seconds:.0f} s") for name, seconds in answer["slow"] if seconds > LIMIT_S]
        hidden = self._hidden(batch)
        for text in (*answer["texts"], printed):
            hit = hidden.search(text) or PATH.search(text) or ADDRESS.search(text)
            if hit:
                found.append(("leak", "", f"{hit[0]!r} in …{text[max(0, hit.start() - SHOWN) : hit.end() + SHOWN]}"))
        if printed.strip():
            found.append(("fault", "", f"printed: {printed[:SHOWN]}"))
        return found

    def _hidden(self, batch: Iterable[Broken]) -> re.Pattern[str]:
        """Texts that no message may hold. What stands in our own source is our word, and is caught by the canaries."""
        texts = {text for one in batch for text in one.seed.texts if text not in self.ours} | set(PLANTED)
        texts |= {str(self.work), Path(tempfile.gettempdir()).as_posix() + "/"}
        return re.compile("|".join(rf"(?<![0-9A-Za-z]){re.escape(text)}" for text in sorted(texts, key=len, reverse=True)))

    def _single(self, batch: Sequence[Broken], bad: Sequence[tuple[str, str, str]]) -> None:
        """Read every file of a bad batch alone, to name the one that does it; else the batch is to blame."""
        before = self.tally.bad.total()
        for one in batch:
            self.subject.send(self._write([one]))
            alone = self.subject.answer(LIMIT_S * 2)
            if isinstance(alone, str):
                self._note(_kind(alone), one, alone)
            else:
                for kind, _, words in self._bad([one], alone, self.subject.said()):
                    self._note(kind, one, words)
        if self.tally.bad.total() == before:
            shutil.copytree(self._write(batch), self.keep / f"{self.run_seed}-batch-{batch[0].index}", dirs_exist_ok=True)
            for kind, _, words in bad:
                self._note(kind, batch[0], f"only together with the {len(batch) - 1} inputs after it: {words}")

    def _note(self, kind: str, one: Broken, words: str) -> None:
        """Count it; keep the first inputs that do the same and say what they did."""
        tally = self.tally
        tally.bad[kind] += 1
        alike = (kind, re.sub(r"\d+", "", words[:SHOWN]) if kind == "fault" else one.seed.name)
        tally.alike[alike] += 1
        if tally.alike[alike] > KEPT_ALIKE:
            return
        name = f"{self.run_seed}-{one.index:06d}{one.suffix}"
        finding = Found(kind, one.index, one.seed.name, one.steps, words[: 4 * SHOWN], name)
        tally.findings.append(finding)
        self.keep.mkdir(parents=True, exist_ok=True)
        (self.keep / name).write_bytes(one.content)
        with (self.keep / "findings.jsonl").open("a", encoding="utf-8") as list_of_all:
            list_of_all.write(json.dumps({"run_seed": self.run_seed, **vars(finding)}) + "\n")
        print(f"{kind} at input {one.index}, {one.seed.name}: {words[:SHOWN]}", file=sys.stderr)

    def _left_behind(self) -> None:
        left = sorted(place.name for place in self.subject.temporary.iterdir())
        if left:
            self.tally.bad["left behind"] += len(left)
            self.tally.findings.append(Found("left behind", -1, "", (), f"{len(left)} temporary files"))


def main() -> int:
    """Run or replay, and say whether anything bad was found."""
    options = _options()
    if options.replay:
        return _replay(options.replay)
    folders = list(options.inputs or _public())
    found = seeds.gather(folders)
    with tempfile.TemporaryDirectory(prefix="fuzz") as work:
        run = Run(found, options.seed, options.keep.resolve(), Path(work))
        start = time.monotonic()
        run.go(options.minutes * 60)
        seconds = time.monotonic() - start
    result = _result(run, options, len(found), seconds)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(summary(result))
    return int(bool(result["bad"]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers")
    parser.add_argument("--inputs", type=Path, nargs="*", help="folders of files to break; those of VESALIUS_DATA if unset")
    parser.add_argument("--keep", type=Path, default=CACHE / "offending", help="where offending inputs are kept")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="read one kept input, and show what it does")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "fuzz.json")
    return parser.parse_args()


def _public() -> list[Path]:
    place = os.environ.get("VESALIUS_DATA")
    if place is None:
        print("VESALIUS_DATA is not set: only files made by code are broken", file=sys.stderr)
        return []
    root = Path(place) / "public" if (Path(place) / "public").is_dir() else Path(place)
    return [root / name for name in seeds.PUBLIC if (root / name).is_dir()]


def _replay(kept: Path) -> int:
    """One input alone, under the same limits."""
    with tempfile.TemporaryDirectory(prefix="fuzz") as work:
        folder = Path(work) / f"{CANARY}FOLDER"
        folder.mkdir()
        shutil.copyfile(kept, folder / f"{CANARY}_{kept.name}")
        subject = Subject(Path(work))
        subject.send(folder)
        answer = subject.answer(LIMIT_S * 2)
        print(json.dumps(answer, indent=1))
        print(subject.said(), file=sys.stderr)
        subject.stop()
    return int(isinstance(answer, str) or bool(answer["faults"]))


def _result(run: Run, options: argparse.Namespace, number_of_seeds: int, seconds: float) -> dict[str, Any]:
    tally = run.tally
    memory: dict[str, Any] = {}
    for name, used in (("parent", tally.parent_mib), ("parent_and_workers", tally.family_mib)):
        try:
            memory[name] = growth(tally.done, used, warm_after=WARM_INPUTS).to_json()
        except ValueError:
            memory[name] = {"first_mib": round(used[0], 1), "last_mib": round(used[-1], 1), "verdict": "too short to say"}
        if memory[name]["verdict"] == "grows" and not tally.bad["crash"] + tally.bad["hang"]:  # which start the process anew
            tally.bad["growth"] += 1
            tally.findings.append(Found("growth", -1, "", (), f"{name}: {memory[name]}"))
    return {
        "machine": machine_facts(),
        "seed": options.seed,
        "minutes": round(seconds / 60, 2),
        "seeds": number_of_seeds,
        "inputs": tally.inputs,
        "read": dict(tally.refused.most_common()),
        "members_of_archives_refused": dict(tally.members.most_common()),
        "loads": dict(tally.loads.most_common()),
        "formats": dict(tally.formats.most_common()),
        "warnings": dict(tally.warnings.most_common()),
        "mutations": dict(tally.mutations.most_common()),
        "workers_brought_down": tally.brought_down,
        "slowest_s": round(tally.slowest_s, 2),
        "slow": sorted(tally.slow, key=lambda one: -one["s"])[:20],
        "memory": memory,
        "bad": dict(tally.bad.most_common()),
        "findings": [vars(finding) for finding in tally.findings],
    }


def summary(result: dict[str, Any]) -> str:
    """What happened, in words."""
    lines = [
        f"{result['inputs']} inputs of {result['seeds']} files in {result['minutes']:g} minutes, seed {result['seed']}",
        f"read: {_counts(result['read'])}",
        f"parts loaded: {_counts(result['loads'])}",
        f"formats: {_counts(result['formats'])}",
        f"workers brought down, and replaced: {result['workers_brought_down']}; slowest step: {result['slowest_s']:g} s",
    ]
    for name, found in result["memory"].items():
        shown = f"{found['first_mib']:.0f} → {found['last_mib']:.0f} MiB, {found['verdict']}"
        if "per_thousand_mib" in found:
            shown += (
                f" ({found['per_thousand_mib']:+.2f} MiB a thousand inputs, {found['low_mib']:+.2f} to {found['high_mib']:+.2f})"
            )
        lines.append(f"memory of {name.replace('_', ' ')}: {shown}")
    lines.append(f"bad: {_counts(result['bad']) or 'nothing'}")
    return "\n".join(lines)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _line(tally: Tally) -> str:
    return f"{tally.inputs} inputs, {tally.refused['read']} read, {tally.bad.total()} bad, {tally.family_mib[-1]:.0f} MiB"


def _kind(death: str) -> str:
    return "hang" if death == "hang" else "crash"


def _file_name(one: Broken) -> str:
    return f"{CANARY}_{one.index:07d}{one.suffix}"


if __name__ == "__main__":
    raise SystemExit(main())
