"""`data convert` killed at random moments: nothing is lost, nothing stands twice, the same bytes in the end.

VESALIUS_KILLS=100 kills a hundred times; a few times without it.
"""

import os
import random
import signal
import time
from pathlib import Path

from tests.datasets.killed import Runs
from tests.datasets.store.made import CARD, many

from vesalius.datasets.store import table

KILLS = int(os.environ.get("VESALIUS_KILLS", "6"))
CONVERT = """
from pathlib import Path
from vesalius.workflows.data.convert import convert

def run(source, out):
    convert(Path(source), out=Path(out), say=lambda line: None)
"""


def finished(out: Path) -> dict[str, tuple[int, int]]:
    """The pieces that are finished, with what changes when one is written again."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (out / ".parts").glob("0*.parquet")}


def files(out: Path) -> list[str]:
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


def test_a_killed_conversion_goes_on_and_ends_with_the_same_bytes(tmp_path):
    source, whole, chance = tmp_path / "source", tmp_path / "whole", random.Random(5)
    table.write(many(1100, kind="volume"), source, CARD)
    kills = folders = gone_on = 0
    with Runs(CONVERT) as runs:
        start = time.monotonic()
        runs.begin(source, whole)
        assert runs.wait() == 0
        lasts_s, wanted = time.monotonic() - start, (whole / "samples.parquet").read_bytes()
        while kills < KILLS:
            folders += 1
            out = tmp_path / f"out{folders}"
            is_done = False
            while not is_done:
                before = finished(out)
                runs.begin(source, out)
                if kills < KILLS:
                    time.sleep(chance.uniform(0, lasts_s * (0.3 if before else 0.9)))
                    ended = runs.kill()
                else:
                    ended = runs.wait()
                is_done = ended == 0
                kills += ended == -signal.SIGKILL
                if table.recognizes(out):  # whole or not there
                    assert (out / "samples.parquet").read_bytes() == wanted
                    if not is_done and not (out / ".parts").exists():  # killed when all was done
                        runs.begin(source, out)
                        is_done = runs.wait() != 0  # which is said, and what was left is swept away
                elif before:
                    assert before.items() <= finished(out).items(), "a finished piece was lost or written again"
                    gone_on += 1
            assert files(out) == files(whole)
    print(f"{kills} kills, {folders} folders, {gone_on} times gone on from finished pieces")
