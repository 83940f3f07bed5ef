"""nnU-Net: cases in channels with maps of labels, plain and by regions."""

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.datasets.formats.drawn import (
    HEIGHT,
    WIDTH,
    codes,
    image,
    mask,
    places,
    polygons,
    same_pixels,
    sample,
    save,
    there_and_back,
    told,
    volume,
)

from vesalius.datasets.exports import Dropped
from vesalius.datasets.formats import nnunet
from vesalius.errors import InputRefused, UsageError
from vesalius.transforms.polygons import filled
from vesalius.types import Box, Region

FEW = settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
ABOUT = {
    "channel_names": {"0": "T2", "1": "ADC"},
    "labels": {"background": 0, "PZ": 1, "TZ": 2},
    "numTraining": 1,
    "file_ending": ".nii.gz",
}


def nifti(path: Path, values: np.ndarray, affine: np.ndarray | None = None) -> None:
    """An array (Z, Y, X) as a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(values.T, np.diag([0.5, 0.75, 2.5, 1.0]) if affine is None else affine), path)


def numbers() -> np.ndarray:
    values = np.zeros((4, HEIGHT, WIDTH), np.uint8)
    values[1:3, 3:9, 4:9] = 1
    values[1:3, 9:12, 4:9] = 2
    return values


def build(root: Path, values: np.ndarray | None = None, *, test: bool = True, **changed: Any) -> Path:
    root.mkdir(exist_ok=True)
    (root / "dataset.json").write_text(json.dumps({**ABOUT, **changed}))
    pixels = np.random.default_rng(0).integers(0, 999, (4, HEIGHT, WIDTH), np.int16)
    for channel in range(2):
        nifti(root / "imagesTr" / f"p_001_{channel:04}.nii.gz", pixels + channel)
        if test:
            nifti(root / "imagesTs" / f"p_002_{channel:04}.nii.gz", pixels + 5 + channel)
    nifti(root / "labelsTr" / "p_001.nii.gz", numbers() if values is None else values)
    return root


def test_channels_are_images_of_one_sample_and_labels_its_masks(tmp_path: Path) -> None:
    root = build(tmp_path)
    assert nnunet.recognizes(root)
    one, other = nnunet.read(root)
    assert [shown.image.modality for shown in one.images] == [None, "MR"]
    assert (one.images[1].image.load() - one.images[0].image.load() == 1).all()
    assert [region.label for region in one.regions] == ["pz", "tz"]
    assert np.array_equal(one.regions[1].geometry.load(), numbers() == 2)
    assert [each.provenance.split for each in (one, other)] == ["train", "test"]
    assert (other.regions, other.labels) == ((), {})


def test_labels_of_several_numbers_overlap_and_what_nobody_labeled_is_none(tmp_path: Path) -> None:
    labels = {"background": 0, "whole": [1, 2], "core": 2, "ignore": 3}
    values = numbers()
    values[0, 0, 0] = 3
    (one, _), faults = told(nnunet.read, build(tmp_path, values, labels=labels, regions_class_order=[1, 2]))
    assert [(region.label, int(region.geometry.load().sum())) for region in one.regions] == [("whole", 90), ("core", 30)]
    assert faults == []


def test_plane_pictures_in_color_are_one_file_of_three_channels(tmp_path: Path) -> None:
    colored = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    save(tmp_path / "imagesTr" / "a_0000.png", colored)
    save(tmp_path / "labelsTr" / "a.png", numbers()[1])
    about = {**ABOUT, "file_ending": ".png", "channel_names": {"0": "R", "1": "G", "2": "B"}}
    (tmp_path / "dataset.json").write_text(json.dumps(about))
    (one,) = nnunet.read(tmp_path)
    assert len(one.images) == 1
    assert [int(region.geometry.load().sum()) for region in one.regions] == [30, 15]


def test_cases_that_the_list_names_lie_anywhere_and_one_fold_is_a_split(tmp_path: Path) -> None:
    build(tmp_path / "elsewhere")
    entry = {"images": [f"elsewhere/imagesTr/p_001_{n:04}.nii.gz" for n in range(2)], "label": "elsewhere/labelsTr/p_001.nii.gz"}
    (tmp_path / "elsewhere" / "dataset.json").unlink()
    (tmp_path / "dataset.json").write_text(json.dumps({**ABOUT, "dataset": {"p_001": entry}, "licence": "CC BY 4.0"}))
    (tmp_path / "splits_final.json").write_text(json.dumps([{"train": [], "val": ["p_001"]}]))
    (one,) = nnunet.read(tmp_path)
    assert (one.provenance.split, one.provenance.licence, len(one.regions)) == ("validation", "CC BY 4.0", 2)


def test_a_folder_of_datasets_is_read_as_one(tmp_path: Path) -> None:
    for name in ("Dataset001_A", "Dataset002_B"):
        (tmp_path / name).mkdir()
        build(tmp_path / name, test=False)
    assert nnunet.recognizes(tmp_path)
    found = list(nnunet.read(tmp_path))
    assert len({one.key for one in found}) == 2


def broken(root: Path, what: str) -> None:
    place = root / "labelsTr" / "p_001.nii.gz"
    match what:
        case "size":
            nifti(place, numbers()[:3])
        case "spacing":
            nifti(place, numbers(), np.diag([0.5, 0.75, 3.0, 1.0]))
        case "place":
            nifti(place, numbers(), np.array([[0.5, 0, 0, 4], [0, 0.75, 0, 0], [0, 0, 2.5, 0], [0, 0, 0, 1]]))
        case "turned":
            nifti(place, numbers(), np.diag([-0.5, 0.75, 2.5, 1.0]))
        case "fractions":
            nifti(place, numbers().astype(np.float32) + 0.25)
        case "no map":
            place.unlink()
        case "no channel":
            (root / "imagesTr" / "p_001_0001.nii.gz").unlink()
        case "no nifti":
            place.write_bytes(b"nothing")
        case "other channel":
            nifti(root / "imagesTr" / "p_001_0001.nii.gz", np.zeros((2, HEIGHT, WIDTH), np.int16))


FAULTS = {
    "size": ("mask_geometry", "3 × 24 × 32 and its picture 4 × 24 × 32"),
    "spacing": ("mask_geometry", "(3, 0.75, 0.5) mm"),
    "place": ("mask_geometry", "4 mm away"),
    "turned": ("mask_geometry", "mm away"),
    "fractions": ("mask_geometry", "fractions"),
    "no map": ("media_missing", "no map of labels"),
    "no channel": ("media_missing", "lacks 1 of 2 channels"),
    "no nifti": ("media_unreadable", "cannot be read"),
    "other channel": ("mask_geometry", "A channel is 2 × 24 × 32"),
}


@pytest.mark.parametrize(("code", "says"), FAULTS.values(), ids=FAULTS)
def test_a_case_that_does_not_fit_together_is_left_out_and_told(
    tmp_path: Path, request: pytest.FixtureRequest, code: str, says: str
) -> None:
    broken(build(tmp_path), request.node.callspec.id)
    found, faults = told(nnunet.read, tmp_path)
    assert [(fault.code, fault.where) for fault in faults] == [(code, "case 1")]
    assert says in faults[0].message
    assert len(found) == 1


def test_empty_maps_and_strange_numbers_are_told(tmp_path: Path) -> None:
    _, faults = told(nnunet.read, build(tmp_path, numbers() * 0, test=False))
    assert codes(faults) == ["mask_all_zero"]
    (found,), faults = told(nnunet.read, build(tmp_path, numbers() * 2, test=False))
    assert codes(faults) == ["label_unknown"]
    assert "no class: 4" in faults[0].message
    assert [region.label for region in found.regions] == ["tz"]


@pytest.mark.parametrize("content", [b"", b"3", b"[]", b'{"labels": {"0": "background"}, "training": []}', b"\xff"])
def test_garbage_and_lists_of_others_are_not_recognized(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "dataset.json").write_bytes(content)
    assert not nnunet.recognizes(tmp_path)
    assert not nnunet.recognizes(tmp_path / "dataset.json")
    with pytest.raises(InputRefused, match="channel_names"):
        list(nnunet.read(tmp_path))


@FEW
@given(st.integers(1, 3), st.integers(0, 99), st.sampled_from(["train", "validation", "test"]))
def test_masks_come_back_even_where_they_overlap(
    tmp_path_factory: pytest.TempPathFactory, many: int, seed: int, split: str
) -> None:
    random = np.random.default_rng(seed)
    regions = [Region(f"label {n}", mask(random.random((4, HEIGHT, WIDTH)) < 0.3)) for n in range(many)]
    made = sample(regions, volume(seed), volume(seed + 1), split=split)
    (found,), dropped = there_and_back(nnunet, [made], tmp_path_factory.mktemp("nnunet"))
    assert places(found) == places(made)
    assert same_pixels(found, made)
    assert np.allclose(found.images[0].image.affine_lps_mm, made.images[0].image.affine_lps_mm)
    assert found.provenance.split == split
    assert not dropped


@FEW
@given(polygons())
def test_outlines_on_plane_pictures_are_filled(tmp_path_factory: pytest.TempPathFactory, polygon: Any) -> None:
    made = sample([Region("polyp", polygon)], split="train")
    inside = filled([polygon], (HEIGHT, WIDTH))
    if not inside.any():
        return
    (found,), dropped = there_and_back(nnunet, [made], tmp_path_factory.mktemp("nnunet"))
    assert np.array_equal(found.regions[0].geometry.load(), inside)
    assert same_pixels(found, made)
    assert not dropped


def test_files_are_written_as_nnunet_reads_them(tmp_path: Path) -> None:
    one, two = np.zeros((2, 4, HEIGHT, WIDTH), bool)
    one[:2], two[1:3] = True, True
    nnunet.write(
        [sample([Region("organ", mask(one)), Region("lesion", mask(two))], volume(), split="train")], tmp_path, Dropped()
    )
    about = json.loads((tmp_path / "dataset.json").read_text())
    assert about == {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, "organ": [1, 3], "lesion": [2, 3]},
        "numTraining": 1,
        "file_ending": ".nii.gz",
        "regions_class_order": [1, 2],
    }
    (labels,) = (tmp_path / "labelsTr").iterdir()
    stored = nibabel.load(labels)
    picture = nibabel.load(tmp_path / "imagesTr" / labels.name.replace(".nii.gz", "_0000.nii.gz"))
    assert stored.shape == picture.shape == (WIDTH, HEIGHT, 4)
    assert np.allclose(stored.affine, picture.affine)
    assert np.unique(np.asarray(stored.dataobj)).tolist() == [0, 1, 2, 3]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset.json", "imagesTr", "labelsTr"]


def test_what_nnunet_cannot_hold_is_counted(tmp_path: Path) -> None:
    whole = np.ones((4, HEIGHT, WIDTH), bool)
    twice = [Region("a", mask(whole)), Region("a", mask(whole)), Region("b", Box((0, 0, 0), (2, 2, 2)))]
    made = [sample(twice, volume(), split="train"), sample([], volume(1), split="train"), sample([], image(), split="test")]
    dropped = Dropped()
    nnunet.write(made, tmp_path, dropped)
    assert dropped == {
        "objects of one label: joined in one mask": 1,
        "boxes, points and outlines in volumes: the format has masks alone": 1,
        "samples to learn from without a mask": 1,
        "samples of another kind or number of images than the first: a dataset has one": 1,
    }
    with pytest.raises(UsageError, match="with a mask"):
        nnunet.write([sample([], image())], tmp_path / "none", Dropped())
