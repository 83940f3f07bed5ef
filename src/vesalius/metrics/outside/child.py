"""The parent's side: another project's metric in a child process, so that its pins and its downloads stay out of ours.

`VESALIUS_METRICS_PYTHON` names the Python of an environment in which the packages are installed; without it, our own is tried.
The child is told to stay offline: weights have to lie in its cache already. Texts pass through pipes, never through files, and
what a package prints is dropped, because it may quote them.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vesalius.errors import MissingFromEnvironment

PYTHON = "VESALIUS_METRICS_PYTHON"
WORKER = Path(__file__).with_name("worker.py")
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


def scored(scorer: str, package: str, answers: Sequence[str], truths: Sequence[str]) -> Any:
    """What the worker's scorer says of these texts, as JSON has it.

    Args:
        scorer: a name in `worker.SCORERS`.
        package: what pip has to install for it.
        answers: one report per item.
        truths: as many.

    Raises:
        ValueError: there are not as many.
        MissingFromEnvironment: `missing_package`: the package, its weights or the Python that was named are not there.
    """
    if len(answers) != len(truths):
        raise ValueError(f"{len(answers)} answers cannot be compared with {len(truths)} truths. Give one answer per truth.")
    python = os.environ.get(PYTHON) or sys.executable
    text = json.dumps({"answers": list(answers), "truths": list(truths)})
    try:
        done = subprocess.run(
            [python, str(WORKER), scorer],
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={**os.environ, **OFFLINE, "PYTHONIOENCODING": "utf-8"},
            check=False,
        )
    except OSError:
        raise _absent(scorer, package, f"the program that {PYTHON} names cannot be run") from None
    said = json.loads(done.stdout) if done.returncode == 0 else {"failed": "an error of the package"}
    if "values" in said:
        return said["values"]
    if "missing" in said:
        raise _absent(scorer, package, f"the module {said['missing']} is not installed there")
    raise _absent(scorer, package, f"its weights could not be loaded ({said['failed']})")


def _absent(scorer: str, package: str, why: str) -> MissingFromEnvironment:
    return MissingFromEnvironment(
        "missing_package",
        f"{scorer} is another project's metric, and {why}. Vesalius brings neither its package nor its weights and downloads "
        f"nothing. In an environment of its own: pip install '{package}', let it load its weights once, and set {PYTHON} to "
        f"that environment's Python.",
    )
