"""`data convert` killed at random moments: nothing is lost, nothing stands twice, the same bytes in the end.

VESALIUS_KILLS=100 kills a hundred times; a few times without it.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.datasets.store.made import CARD, many

from vesalius.datasets.store import table

KILLS = int(os.environ.get("VESALIUS_KILLS", "6"))
CONVERT = """
import sys
from pathlib import Path
from vesalius.workflows.data.convert import convert
print("begun", flush=True)
convert(Path(sys.argv[1]), out=Path(sys.argv[2]), say=lambda line: None)
"""


def begin(source: Path, out: Path) -> subprocess.Popen[str]:
    """A process that has begun to convert."""
    process = subprocess.Popen(
        [sys.executable, "-c", CONVERT, str(source), str(out)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def finished(out: Path) -> dict[str, tuple[int, int]]:
    """The pieces that are finished, with what changes when one is written again."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (out / ".parts").glob("0*.parquet")}


def files(out: Path) -> list[str]:
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


def test_a_killed_conversion_goes_on_and_ends_with_the_same_bytes(tmp_path):
    source, whole, chance = tmp_path / "source", tmp_path / "whole", random.Random(5)
    table.write(many(1500, kind="volume"), source, CARD)
    start = time.monotonic()
    assert begin(source, whole).wait() == 0
    lasts_s, wanted = time.monotonic() - start, (whole / "samples.parquet").read_bytes()
    kills = folders = gone_on = 0
    while kills < KILLS:
        folders += 1
        out = tmp_path / f"out{folders}"
        is_done = False
        while not is_done:
            before = finished(out)
            process = begin(source, out)
            if kills < KILLS:
                time.sleep(chance.uniform(0, lasts_s * (0.3 if before else 0.9)))
                process.send_signal(signal.SIGKILL)
            is_done = process.wait() == 0
            kills += process.returncode == -signal.SIGKILL
            if table.recognizes(out):  # whole or not there
                assert (out / "samples.parquet").read_bytes() == wanted
                if not is_done and not (out / ".parts").exists():  # killed when all was done
                    is_done = begin(source, out).wait() != 0  # which is said, and what was left is swept away
            elif before:
                assert before.items() <= finished(out).items(), "a finished piece was lost or written again"
                gone_on += 1
        assert files(out) == files(whole)
    print(f"{kills} kills, {folders} folders, {gone_on} times gone on from finished pieces")
