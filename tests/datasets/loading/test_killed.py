"""A run that loads, killed at random moments: nothing is lost and nothing comes twice.

VESALIUS_KILLS=100 kills a hundred times; a few times without it.
"""

import json
import os
import random
import signal
import time

from tests.datasets.killed import Runs
from tests.datasets.store.made import CARD, many

from vesalius.datasets.store import table

KILLS = int(os.environ.get("VESALIUS_KILLS", "6"))
# As a training run: a step, then the state of the loader and what was learnt go to the disk in one line.
RUN = """
import json, time
from pathlib import Path
from vesalius.datasets.loading.loader import Loader

def run(folder, log):
    log = Path(log)
    lines = log.read_text().splitlines() if log.exists() else []
    whole = [line for line in lines if line.endswith("}")]
    log.write_text("".join(line + "\\n" for line in whole))
    state = json.loads(whole[-1])["state"] if whole else None
    with Loader(folder, batch=3, seed=4, workers=1, state=state) as loader, log.open("a", buffering=1) as out:
        while loader.epoch < 2:
            for batch in loader:
                time.sleep(0.002)
                out.write(json.dumps({"epoch": loader.epoch, "keys": batch.keys, "state": loader.state()}) + "\\n")
"""


def steps(log) -> list[list]:
    return [[line["epoch"], line["keys"]] for line in map(json.loads, log.read_text().splitlines())]


def test_a_killed_run_goes_on_with_the_very_next_batch(tmp_path):
    chance, data = random.Random(7), tmp_path / "data"
    table.write(many(180), data, CARD)
    kills = number = 0
    with Runs(RUN) as runs:
        whole = tmp_path / "whole.jsonl"
        start = time.monotonic()
        runs.begin(data, whole)
        assert runs.wait() == 0
        lasts_s, wanted = time.monotonic() - start, steps(whole)
        assert sorted(key for epoch, keys in wanted if epoch == 1 for key in keys) == sorted(f"k{n}" for n in range(180))
        while kills < KILLS:
            number += 1
            log, ended = tmp_path / f"run{number}.jsonl", -signal.SIGKILL
            while ended != 0:
                runs.begin(data, log)
                if kills < KILLS:
                    time.sleep(chance.uniform(0, lasts_s * 0.8))
                    ended = runs.kill()
                else:
                    ended = runs.wait()
                assert ended in (0, -signal.SIGKILL)
                kills += ended == -signal.SIGKILL
            assert steps(log) == wanted
    print(f"{kills} kills in {number} runs")
