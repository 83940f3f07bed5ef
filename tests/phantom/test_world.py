"""The phantom world: any kind by its name, the same bytes every time."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from vesalius.errors import UsageError
from vesalius.phantom import world

DIGEST = """
import hashlib
from vesalius.phantom import world
made = [world.make("chest_xray", seed=seed, visit=visit, size_px=96) for seed in range(3) for visit in (0, 1)]
print(hashlib.sha256(b"".join(p.pixels.tobytes() + b"".join(m.tobytes() for m in p.masks.values()) for p in made)).hexdigest())
"""


def digest_here() -> str:
    made = [world.make("chest_xray", seed=seed, visit=visit, size_px=96) for seed in range(3) for visit in (0, 1)]
    parts = (p.pixels.tobytes() + b"".join(mask.tobytes() for mask in p.masks.values()) for p in made)
    return hashlib.sha256(b"".join(parts)).hexdigest()


@pytest.mark.parametrize("threads", ["1", "4"])
def test_the_same_seed_gives_the_same_bytes_in_another_process_with_any_number_of_threads(threads: str) -> None:
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), threads)
    told = subprocess.run(
        [sys.executable, "-c", DIGEST], env={**os.environ, **limits}, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == digest_here()


def test_no_two_seeds_and_no_two_visits_look_alike() -> None:
    pictures = [world.make("chest_xray", seed=s, visit=v, size_px=32).stored().tobytes() for s in range(40) for v in (0, 1)]
    assert len(set(pictures)) == 80


def test_the_folder_is_the_list_of_kinds() -> None:
    assert world.kinds() == ["chest_xray"]
    assert "finding" in world.factors("chest_xray")


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        world.make("chest_mri", seed=1)
    assert caught.value.code == "unknown_name"
    assert caught.value.problems[0].allowed == ("chest_xray",)


def test_all_that_is_wrong_with_the_factors_is_said_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        world.make("chest_xray", seed=1, sise_px=3, finding="fracture", size_px=1024)
    assert caught.value.code == "bad_factor"
    assert [problem.key for problem in caught.value.problems] == ["sise_px", "finding", "size_px"]
    assert "did you mean size_px" in caught.value.message
    assert caught.value.problems[1].allowed == ("none", "effusion", "nodule", "consolidation")


@pytest.mark.parametrize(
    ("factors", "key"),
    [
        ({"finding": "none", "side": "left"}, "side"),
        ({"size_mm": 20}, "size_mm"),
        ({"finding": "nodule", "size_mm": 100}, "size_mm"),
        ({"finding": "nodule", "severity": "large"}, "severity"),
        ({"finding": "effusion", "zone": "upper"}, "zone"),
        ({"finding": "effusion", "nodules": 2}, "nodules"),
        ({"size_px": 64, "spacing_mm": 1.0}, "spacing_mm"),
        ({"finding": "effusion", "size_mm": 20, "severity": "small"}, "severity"),
    ],
)
def test_what_is_impossible_only_together_is_refused(factors: dict[str, object], key: str) -> None:
    with pytest.raises(UsageError) as caught:
        world.make("chest_xray", seed=1, **factors)
    assert [problem.key for problem in caught.value.problems] == [key]


@pytest.mark.parametrize(("seed", "visit"), [(-1, 0), (0, 2)])
def test_a_patient_or_visit_that_cannot_be_is_refused(seed: int, visit: int) -> None:
    with pytest.raises(UsageError) as caught:
        world.make("chest_xray", seed=seed, visit=visit)
    assert caught.value.code == "bad_factor"


def test_factors_may_be_text_as_from_a_command_line() -> None:
    given = world.make("chest_xray", seed=3, size_px=64, finding=["nodule"], nodules=2, size_mm=20.0)
    text = world.make("chest_xray", seed=3, size_px="64", finding="nodule", nodules="2", size_mm="20")
    assert np.array_equal(given.pixels, text.pixels)
