"""What is true of every kind of phantom: each is drawn at a size that takes no time."""

import hashlib
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vesalius.phantom
from vesalius.errors import UsageError
from vesalius.phantom import world
from vesalius.phantom.truth import LANGUAGES, Bools, Phantom

KINDS = world.kinds()
WORDS = Path(vesalius.phantom.__file__).parent / "words"
SPREAD_PX = 2  # how far a finding's edge may reach beyond its mask


def small(kind: str) -> int:
    """A size at which every lesion can be seen and nothing takes long."""
    return 48 if world.factors(kind)["spacing_mm"].numbers == 3 else 96


@cache
def patient(kind: str, seed: int, visit: int = 0, **factors: Any) -> Phantom:
    return world.make(kind, seed=seed, visit=visit, **{"size_px": small(kind), **factors})


def digest(phantom: Phantom) -> str:
    found = hashlib.sha256()
    for picture in phantom.pictures:
        found.update(picture.pixels.tobytes())
        for name, mask in sorted(picture.masks.items()):
            found.update(name.encode() + np.packbits(mask).tobytes())
    found.update(repr((phantom.lesions, phantom.measurements, sorted(phantom.reports.items()), phantom.events)).encode())
    return found.hexdigest()


def spread(mask: Bools) -> Bools:
    """The mask and `SPREAD_PX` around it along every axis."""
    for axis in range(mask.ndim):
        padded = np.pad(mask, [(SPREAD_PX, SPREAD_PX) if a == axis else (0, 0) for a in range(mask.ndim)])
        length = mask.shape[axis]
        mask = np.any([padded.take(range(i, i + length), axis=axis) for i in range(2 * SPREAD_PX + 1)], axis=0)
    return mask


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_bytes_in_another_process_with_other_threads(kind: str) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import test_every_kind as t;"
        f"print([t.digest(t.patient({kind!r}, s, v)) for s in (3, 4) for v in (0, 1)])"
    )
    here = str(Path(__file__).parent)
    path = ":".join(filter(None, [str(Path(vesalius.phantom.__file__).parents[2]), here]))
    done = subprocess.run(
        [sys.executable, "-c", code, here],
        capture_output=True,
        text=True,
        check=True,
        env={"OMP_NUM_THREADS": "7", "OPENBLAS_NUM_THREADS": "3", "PYTHONPATH": path, "PYTHONHASHSEED": "5"},
    )
    assert done.stdout.strip() == str([digest(patient(kind, s, v)) for s in (3, 4) for v in (0, 1)])


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_as_files_store_them_and_masks_lie_on_them(kind: str) -> None:
    for seed in range(3):
        phantom = patient(kind, seed)
        assert phantom.pictures
        for picture in phantom.pictures:
            assert picture.pixels.dtype in (np.uint8, np.uint16, np.int16)
            assert (picture.pixels.dtype == np.uint8) == (picture.channels == 3)
            assert picture.pixels.dtype != np.uint16 or picture.pixels.max() <= 4095
            plane = picture.pixels.shape[:-1] if picture.channels == 3 else picture.pixels.shape
            assert len(plane) == {"image": 2, "volume": 3, "clip": 3}[picture.kind]
            assert picture.spacing_mm is None or len(picture.spacing_mm) == (3 if picture.kind == "volume" else 2)
            assert (picture.frame_s is not None) == (picture.kind == "clip")
            assert picture.kind != "volume" or picture.affine_lps_mm is not None
            for name, mask in picture.masks.items():
                assert mask.dtype == np.bool_, name
                assert mask.shape == plane, name
            assert len(set(picture.masks) - {lesion.mask for lesion in phantom.lesions}) >= 1, "anatomy has masks too"
        assert phantom.measurements
        assert digest(phantom) != digest(patient(kind, seed + 100)), "no two patients look alike"


@pytest.mark.parametrize("kind", KINDS)
def test_every_finding_can_be_asked_for_and_is_seen(kind: str) -> None:
    for item in world.catalogue(kind):
        for seed in range(2):
            phantom = patient(kind, seed, finding=item.name)
            assert {lesion.finding for lesion in phantom.lesions} == {item.name}
            masks = [p.masks[lesion.mask] for p in phantom.pictures for lesion in phantom.lesions if lesion.mask in p.masks]
            assert any(mask.any() for mask in masks), item.name
            assert phantom.labels[item.name] == "present"
            assert phantom.codes == (item.code,)


@pytest.mark.parametrize("kind", KINDS)
def test_everybody_or_nobody_can_be_ill(kind: str) -> None:
    for seed in range(6):
        assert patient(kind, seed, seed % 2, normal_share=0).lesions or seed % 2  # at a second visit all may be gone
        assert not patient(kind, seed, normal_share=1).lesions


@pytest.mark.parametrize("kind", KINDS)
def test_a_twin_differs_only_where_it_should(kind: str) -> None:
    for item in world.catalogue(kind):
        for seed in range(2):
            one, twin = patient(kind, seed, finding=item.name), patient(kind, seed, finding="none")
            assert not twin.lesions
            differs = [np.any(a.pixels != b.pixels) for a, b in zip(one.pictures, twin.pictures, strict=True)]
            assert any(differs), f"{item.name} cannot be seen"
            if item.changes != "mask":
                continue
            for a, b in zip(one.pictures, twin.pictures, strict=True):
                changed = a.pixels != b.pixels
                changed = changed.any(axis=-1) if a.channels == 3 else changed
                marked = np.zeros(changed.shape, np.bool_)
                for lesion in one.lesions:
                    if lesion.mask in a.masks:
                        marked |= spread(a.masks[lesion.mask])
                assert not (changed & ~marked).any(), (item.name, a.name)


@pytest.mark.parametrize("kind", KINDS)
def test_a_follow_up_is_the_same_patient_with_the_stated_change(kind: str) -> None:
    for item in world.catalogue(kind)[:3]:
        for change in ("larger", "smaller", "new", "resolved"):
            before, after = (patient(kind, 1, visit, finding=item.name, change=change) for visit in (0, 1))
            assert before.day == 0 < after.day
            assert {name: before.facts[name] for name in ("sex", "age_years", "history")} == {
                name: after.facts[name] for name in ("sex", "age_years", "history")
            }
            assert bool(before.lesions) == (change != "new")
            assert bool(after.lesions) == (change != "resolved")
            assert bool(after.resolved) == (change == "resolved")
            assert digest(before) != digest(after), "the patient is positioned anew"


@pytest.mark.parametrize("kind", KINDS)
def test_truth_does_not_depend_on_the_size_of_the_picture(kind: str) -> None:
    for seed in (5, 6):
        low, high = patient(kind, seed), patient(kind, seed, size_px=2 * small(kind))
        assert low.lesions == high.lesions
        assert low.labels == high.labels
        assert [m.name for m in low.measurements] == [m.name for m in high.measurements]
        for a, b in zip(low.pictures, high.pictures, strict=True):
            assert set(a.masks) == set(b.masks)
            for name, mask in a.masks.items():
                if mask.sum() < 60 or a.kind == "slide":
                    continue
                scale = np.array(b.masks[name].shape) / np.array(mask.shape)
                centers = [np.argwhere(found).mean(axis=0) + 0.5 for found in (mask, b.masks[name])]
                extent = np.ptp(np.argwhere(mask), axis=0).max() + 1
                assert np.abs(centers[0] * scale - centers[1]).max() <= 0.15 * extent * scale.max() + 2, (name, seed)


@pytest.mark.parametrize("kind", KINDS)
def test_everything_wrong_with_the_factors_is_said_at_once(kind: str) -> None:
    with pytest.raises(UsageError) as caught:
        world.make(kind, seed=1, finding="unicorn", age_years=400, nothing=2, size_px=7)
    assert {problem.key for problem in caught.value.problems} == {"finding", "age_years", "nothing", "size_px"}
    assert all(problem.allowed for problem in caught.value.problems)


@pytest.mark.parametrize("kind", KINDS)
def test_every_word_is_there_in_every_language(kind: str) -> None:
    words = json.loads((WORDS / f"{kind}.json").read_text("utf-8"))
    common = json.loads((WORDS / "common.json").read_text("utf-8"))
    known = {**common["attributes"], **words["attributes"]}
    for item in world.catalogue(kind):
        assert re.fullmatch(r"[A-Z]\d\d(\.\d{1,2})?", item.code), item.code
        assert all(words["findings"][item.name][language] for language in LANGUAGES)
        given = {**item.attributes, "severity": (*item.severities, *item.grades)}
        for attribute, values in given.items():
            for value in values:
                told = known.get(attribute, {}).get(value) or common["attributes"][attribute][value]
                assert all(told[language] for language in LANGUAGES), (attribute, value)
    assert len({len(words["normal"][language]) for language in LANGUAGES}) == 1
