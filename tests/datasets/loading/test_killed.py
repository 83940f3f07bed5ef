"""A run that loads, killed at random moments: nothing is lost and nothing comes twice.

VESALIUS_KILLS=100 kills a hundred times; a few times without it.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time

from tests.datasets.store.made import CARD, many

from vesalius.datasets.store import table

KILLS = int(os.environ.get("VESALIUS_KILLS", "6"))
# As a training run: a step, then the state of the loader and what was learnt go to the disk in one line.
RUN = """
import json, sys, time
from pathlib import Path
from vesalius.datasets.loading.loader import Loader
log = Path(sys.argv[2])
lines = log.read_text().splitlines() if log.exists() else []
whole = [line for line in lines if line.endswith("}")]
log.write_text("".join(line + "\\n" for line in whole))
state = json.loads(whole[-1])["state"] if whole else None
print("begun", flush=True)
with Loader(sys.argv[1], batch=3, seed=4, workers=1, state=state) as loader, log.open("a", buffering=1) as out:
    while loader.epoch < 2:
        for batch in loader:
            time.sleep(0.002)
            out.write(json.dumps({"epoch": loader.epoch, "keys": batch.keys, "state": loader.state()}) + "\\n")
"""


def begin(folder, log) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", RUN, str(folder), str(log)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def steps(log) -> list[list]:
    return [[line["epoch"], line["keys"]] for line in map(json.loads, log.read_text().splitlines())]


def test_a_killed_run_goes_on_with_the_very_next_batch(tmp_path):
    chance = random.Random(7)
    table.write(many(300), tmp_path / "data", CARD)
    whole = tmp_path / "whole.jsonl"
    start = time.monotonic()
    assert begin(tmp_path / "data", whole).wait() == 0
    lasts_s, wanted = time.monotonic() - start, steps(whole)
    assert sorted(key for epoch, keys in wanted if epoch == 1 for key in keys) == sorted(f"k{n}" for n in range(300))
    kills = runs = 0
    while kills < KILLS:
        runs += 1
        log, is_done = tmp_path / f"run{runs}.jsonl", False
        while not is_done:
            process = begin(tmp_path / "data", log)
            if kills < KILLS:
                time.sleep(chance.uniform(0, lasts_s * 0.8))
                process.send_signal(signal.SIGKILL)
            is_done = process.wait() == 0
            kills += process.returncode == -signal.SIGKILL
        assert steps(log) == wanted
    print(f"{kills} kills in {runs} runs")
