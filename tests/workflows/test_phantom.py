"""vesalius phantom: a folder of simulated patients."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from vesalius.datasets import phantoms, store
from vesalius.errors import UsageError
from vesalius.workflows.phantom import kinds, phantom


def make(out: Path, *factors: str, count: int = 3, seed: int = 20) -> dict[str, object]:
    return dict(phantom("chest_xray", count=count, out=out, seed=seed, factors=["size_px=64", *factors]).data)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_folder_holds_the_dataset_the_dicom_files_and_a_contact_sheet(tmp_path: Path) -> None:
    told = make(tmp_path / "out", "visits=2")
    samples = list(store.read(tmp_path / "out"))
    assert told["samples"] == len(samples) > 24
    assert (told["patients"], told["pictures"]) == (3, 6)
    assert len(list((tmp_path / "out" / "dicom").iterdir())) == 6
    assert {sample.task for sample in samples} >= {"presence", "location", "report", "comparison"}
    made = phantoms.read_phantom("chest_xray", 20, size_px=64, visits=2)
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
        told[name] = [s.turns[1].text for s in store.read(tmp_path / name) if s.task == "report"]
    assert len(told["canonical"]) == len(told["varied"]) == 6
    assert told["canonical"] != told["varied"]


def test_factors_of_the_command_line_decide_what_is_drawn(tmp_path: Path) -> None:
    make(tmp_path / "out", "finding=nodule", "nodules=2", "side=left", "visits=1")
    counts = [s.turns[1].text for s in store.read(tmp_path / "out") if s.task == "count"]
    assert counts == ["2 <region:0> <region:1>"] * 3


@pytest.mark.parametrize("factors", [["finding=fracture"], ["finding"], ["side=left", "side=right"], ["visits=3"], ["wide=1"]])
def test_bad_factors_are_refused_before_anything_is_written(tmp_path: Path, factors: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        make(tmp_path / "out", *factors)
    assert caught.value.code == "bad_factor"
    assert caught.value.problems
    assert not (tmp_path / "out").exists()


def test_no_patients_are_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        make(tmp_path / "out", count=0)


def test_the_list_names_every_factor_with_what_is_allowed() -> None:
    told = kinds()
    assert "chest_xray" in told.text
    listed = {factor["name"]: factor["allowed"] for factor in told.data["phantoms"][0]["factors"]}
    assert listed["side"] == ["right", "left"]
