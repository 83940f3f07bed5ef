"""vesalius phantom: a folder of simulated patients."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from vesalius.datasets.phantoms import cohorts
from vesalius.datasets.store import table
from vesalius.errors import UsageError
from vesalius.phantom import world
from vesalius.workflows.phantom import kinds, phantom


def make(out: Path, *factors: str, count: int = 3, seed: int = 20) -> dict[str, object]:
    return dict(
        phantom(
            "chest_xray",
            count=count,
            out=out,
            seed=seed,
            factors=[*(() if any(f.startswith("size_px") for f in factors) else ("size_px=64",)), *factors],
        ).data
    )


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_folder_holds_the_dataset_the_dicom_files_and_a_contact_sheet(tmp_path: Path) -> None:
    told = make(tmp_path / "out", "visits=2")
    samples = list(table.read(tmp_path / "out"))
    assert told["samples"] == len(samples) > 24
    assert (told["patients"], told["visits"]) == (3, 6)
    files = [path.name for path in (tmp_path / "out" / "dicom").iterdir()]
    assert len(files) == 12
    assert sum("masks" in name for name in files) == 6
    assert {sample.task for sample in samples} >= {"presence", "location", "report", "comparison"}
    truths = [json.loads(line) for line in (tmp_path / "out" / "truth.jsonl").read_text("utf-8").splitlines()]
    assert [(truth["seed"], truth["visit"]) for truth in truths] == [(seed, visit) for seed in (20, 21, 22) for visit in (0, 1)]
    made = cohorts.read_phantom("chest_xray", 20, size_px=64, visits=2)
    assert np.array_equal(samples[0].images[0].image.load(), made[0].images[0].image.load())
    # The same patient, asked and told in the words of an exam.
    assert [(s.key, s.turns, s.report) for s in samples[: len(made)]] == [(s.key, s.turns, s.report) for s in made]
    with PillowImage.open(tmp_path / "out" / "contact_sheet.png") as sheet:
        assert min(sheet.size) > 64


def test_the_same_command_gives_the_same_folder_byte_for_byte(tmp_path: Path) -> None:
    make(tmp_path / "a")
    make(tmp_path / "b")
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_other_words_are_used_when_they_are_asked_for(tmp_path: Path) -> None:
    told = {}
    for name, factors in {"canonical": [], "varied": ["wording=varied"]}.items():
        make(tmp_path / name, *factors, count=6)
        told[name] = [s.turns[1].text for s in table.read(tmp_path / name) if s.task == "report"]
    assert len(told["canonical"]) == len(told["varied"]) == 6
    assert told["canonical"] != told["varied"]


def test_factors_of_the_command_line_decide_what_is_drawn(tmp_path: Path) -> None:
    make(tmp_path / "out", "finding=nodule", "count=2", "side=left", "visits=1")
    counts = [s.turns[1].text for s in table.read(tmp_path / "out") if s.task == "count"]
    assert counts == ["2 <region:0> <region:1>"] * 3


@pytest.mark.parametrize(
    "factors",
    [
        ["finding=unicorn"],
        ["finding"],
        ["side=left", "side=right"],
        ["visits=3"],
        ["wide=1"],
        ["formats=bmp"],
        ["split=train:0.4"],
        ["split=all:1"],
        ["correlation=train:1"],
        ["formats=dicom,mp4"],
    ],
)
def test_bad_factors_are_refused_before_anything_is_written(tmp_path: Path, factors: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        make(tmp_path / "out", *factors)
    assert caught.value.code == "bad_factor"
    assert caught.value.problems
    assert not (tmp_path / "out").exists()


def test_one_error_lists_all_that_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        make(
            tmp_path / "out", "formats=bmp", "visits=3", "nothing", "wide=1", "finding=effusion", "zone=upper", "split=train:0.5"
        )
    assert [problem.key for problem in caught.value.problems] == ["nothing", "formats", "visits", "split", "wide", "zone"]
    assert all(problem.allowed for problem in caught.value.problems)


def test_no_patients_are_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        make(tmp_path / "out", count=0)


def test_the_list_names_every_factor_with_what_is_allowed() -> None:
    told = kinds()
    assert "chest_xray" in told.text
    (described,) = [kind for kind in told.data["phantoms"] if kind["kind"] == "chest_xray"]
    listed = {factor["name"]: factor["allowed"] for factor in described["factors"]}
    assert listed["side"] == ["right", "left"]


@pytest.mark.parametrize("kind", world.kinds())
def test_every_kind_can_be_written(tmp_path: Path, kind: str) -> None:
    size = 24 if world.factors(kind)["spacing_mm"].numbers == 3 else 48
    told = phantom(kind, count=1, out=tmp_path, seed=5, factors=[f"size_px={size}", "visits=1", "formats=dicom,nifti,png"]).data
    assert told["samples"] == len(list(table.read(tmp_path))) > 3
    assert all(any((tmp_path / name).rglob("*")) for name in ("dicom", "nifti", "png"))


def test_patients_are_split_and_the_confounder_is_as_strong_in_each_split_as_asked(tmp_path: Path) -> None:
    asked = ["split=train:0.5,test:0.5", "confounder=sex", "tied_to=effusion", "correlation=train:1,test:-1", "normal_share=0.2"]
    make(tmp_path, *asked, "size_px=32", "visits=1", "formats=none", count=60)
    truths = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text("utf-8").splitlines()]
    by_split = {name: [t for t in truths if t["split"] == name] for name in ("train", "test")}
    assert all(len(found) > 15 for found in by_split.values())
    for name, found in by_split.items():
        for truth in found:
            ill = truth["labels"]["effusion"] == "present"
            assert (truth["facts"]["sex"] == "M") == (ill if name == "train" else not ill)
