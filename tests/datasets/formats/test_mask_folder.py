"""Mask folders: pictures and masks that are joined by nothing but their names."""

import json
from pathlib import Path
from typing import Any

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
    pixels,
    places,
    same_pixels,
    sample,
    save,
    there_and_back,
    told,
    volume,
)
from tests.datasets.formats.test_nnunet import nifti, numbers

from vesalius.datasets.exports import Dropped
from vesalius.datasets.formats import mask_folder, monai, nnunet
from vesalius.errors import InputRefused, UsageError
from vesalius.types import Box, Polygon, Region

FEW = settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
INSIDE = numbers()[1] == 1
DRAWN = np.where(INSIDE, np.uint8(255), np.uint8(0))


@pytest.mark.parametrize(
    ("picture", "drawn", "split", "label"),
    [
        ("images/a.png", "masks/a.png", None, "foreground"),
        ("train/images/a.jpg", "train/masks/a.png", "train", "foreground"),
        ("images/val/a.png", "labels/val/a.png", "validation", "foreground"),
        ("a.png", "a_mask.png", None, "foreground"),
        ("training_set/118_HC.png", "training_set/118_HC_Mask.png", "train", "foreground"),
        ("img_0.png", "label_0.png", None, "foreground"),
        ("images/a.tif", "masks/polyp/a.png", None, "polyp"),
        ("test/images/01_test.png", "test/1st_manual/01_manual1.png", "test", "1st manual"),
        ("a/Image/x.png", "a/Ground Truth/x_segmentation.png", None, "ground truth"),
    ],
)
def test_pictures_and_masks_find_each_other_by_their_names(
    tmp_path: Path, picture: str, drawn: str, split: str | None, label: str
) -> None:
    save(tmp_path / picture, pixels())
    save(tmp_path / drawn, DRAWN)
    assert mask_folder.recognizes(tmp_path)
    (found,) = mask_folder.read(tmp_path)
    (region,) = found.regions
    assert (region.label, found.provenance.split) == (label, split)
    assert np.array_equal(region.geometry.load(), INSIDE)


def test_masks_beside_one_volume_are_its_labels_by_their_names(tmp_path: Path) -> None:
    for case in ("s01", "s02"):
        nifti(tmp_path / case / "ct.nii.gz", np.zeros((4, HEIGHT, WIDTH), np.int16))
        nifti(tmp_path / case / "segmentations" / "lung_left.nii.gz", (numbers() == 1).astype(np.uint8))
        nifti(tmp_path / case / "segmentations" / "liver.nii.gz", (numbers() == 2).astype(np.uint8))
    found = list(mask_folder.read(tmp_path))
    assert [[region.label for region in one.regions] for one in found] == [["liver", "lung left"]] * 2
    assert np.array_equal(found[0].regions[1].geometry.load(), numbers() == 1)


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        ({"1": "Polyp", "2": "vessel"}, ["polyp", "vessel"]),
        ({"polyp": 1, "vessel": 2}, ["polyp", "vessel"]),
        (None, ["label 1", "label 2"]),
    ],
)
def test_maps_of_several_values_are_split_and_named(tmp_path: Path, names: Any, labels: list[str]) -> None:
    save(tmp_path / "images" / "a.png", pixels())
    save(tmp_path / "masks" / "a.png", numbers()[1])
    if names:
        (tmp_path / "labels.json").write_text(json.dumps(names))
    (found,) = mask_folder.read(tmp_path)
    assert [region.label for region in found.regions] == labels
    assert [int(region.geometry.load().sum()) for region in found.regions] == [30, 15]


def test_masks_in_jpeg_are_what_is_brighter_than_half(tmp_path: Path) -> None:
    save(tmp_path / "images" / "a.jpg", pixels())
    big = np.kron(DRAWN, np.ones((8, 8), np.uint8))
    save(tmp_path / "images" / "a.jpg", np.kron(pixels(), np.ones((8, 8), np.uint8)))
    save(tmp_path / "masks" / "a.jpg", np.repeat(big[..., None], 3, axis=-1))
    (found,), faults = told(mask_folder.read, tmp_path)
    assert faults == []
    assert np.array_equal(found.regions[0].geometry.load(), big > 0)


def broken(root: Path, what: str) -> None:
    match what:
        case "other size":
            save(root / "masks" / "a.png", DRAWN[:8])
        case "empty":
            save(root / "masks" / "a.png", DRAWN * 0)
        case "in color":
            save(root / "masks" / "a.png", np.dstack([DRAWN, DRAWN * 0, DRAWN]))
        case "gray":
            save(root / "masks" / "a.png", np.linspace(0, 255, HEIGHT * WIDTH).astype(np.uint8).reshape(HEIGHT, WIDTH))
        case "two masks":
            save(root / "masks" / "a_mask.png", DRAWN)
        case "two pictures":
            save(root / "images" / "a.bmp", pixels(4))
        case "no mask":
            (root / "masks" / "a.png").unlink()
        case "unreadable":
            (root / "masks" / "a.png").write_bytes(b"nothing")
        case "unnamed":
            (root / "labels.json").write_text(json.dumps({"7": "polyp"}))
            save(root / "masks" / "a.png", numbers()[1])


FAULTS = {
    "other size": ("mask_geometry", "8 × 32 and its picture 24 × 32", 2),
    "empty": ("mask_all_zero", "background alone", 2),
    "in color": ("mask_geometry", "in color", 2),
    "gray": ("annotation_conflict", "256 gray levels", 2),
    "two masks": ("media_ambiguous", "2 masks", 2),
    "two pictures": ("media_ambiguous", "2 pictures", 1),
    "no mask": ("media_missing", "no mask", 1),
    "unreadable": ("media_unreadable", "cannot be read", 2),
    "unnamed": ("label_unknown", "no class: 1, 2", 2),
}


@pytest.mark.parametrize(("code", "says", "left"), FAULTS.values(), ids=FAULTS)
def test_what_does_not_fit_is_told(tmp_path: Path, request: pytest.FixtureRequest, code: str, says: str, left: int) -> None:
    for seed, name in enumerate("ab"):
        save(tmp_path / "images" / f"{name}.png", pixels(seed))
        save(tmp_path / "masks" / f"{name}.png", DRAWN)
    broken(tmp_path, request.node.callspec.id)
    found, faults = told(mask_folder.read, tmp_path)
    assert [(fault.code, fault.where) for fault in faults] == [(code, "picture 1")]
    assert says in faults[0].message
    assert len(found) == left


def test_masks_without_a_picture_and_predictions_are_told(tmp_path: Path) -> None:
    save(tmp_path / "images" / "a.png", pixels())
    for name in ("masks/a.png", "masks/b.png", "pred_a.png"):
        save(tmp_path / name, DRAWN)
    found, faults = told(mask_folder.read, tmp_path)
    assert len(found) == 1
    assert [(fault.code, fault.where) for fault in faults] == [("media_missing", "masks"), ("media_unused", "predictions")]


def test_one_picture_with_the_mask_of_another_gets_none(tmp_path: Path) -> None:
    save(tmp_path / "images" / "a.png", pixels())
    save(tmp_path / "masks" / "b.png", DRAWN)
    assert not mask_folder.recognizes(tmp_path)
    found, faults = told(mask_folder.read, tmp_path)
    assert (found, codes(faults)) == ([], ["media_missing", "media_missing"])


def test_other_formats_and_plain_pictures_are_not_recognized(tmp_path: Path) -> None:
    made = sample([Region("a", mask(np.ones((4, HEIGHT, WIDTH), bool)))], volume(), split="train")
    for module in (nnunet, monai):
        module.write([made], tmp_path / module.NAME, Dropped())
        assert not mask_folder.recognizes(tmp_path / module.NAME)
    save(tmp_path / "plain" / "a.png", pixels())
    save(tmp_path / "plain" / "b.png", pixels(1))
    (tmp_path / "plain" / "a.txt").write_bytes(b"\xff")
    assert not mask_folder.recognizes(tmp_path / "plain")
    assert not mask_folder.recognizes(tmp_path / "plain" / "a.png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputRefused, match="no picture"):
        list(mask_folder.read(tmp_path / "empty"))


@FEW
@given(st.integers(1, 3), st.integers(0, 99), st.sampled_from(["train", "validation", "test", None]), st.booleans())
def test_masks_come_back_even_where_they_overlap(
    tmp_path_factory: pytest.TempPathFactory, many: int, seed: int, split: str | None, flat: bool
) -> None:
    random = np.random.default_rng(seed)
    shown = image(seed) if flat else volume(seed)
    regions = [Region(f"ödem & {n}/2", mask(random.random(shown.shape) < 0.3)) for n in range(many)]
    made = sample(regions, shown, split=split)
    (found,), dropped = there_and_back(mask_folder, [made], tmp_path_factory.mktemp("masks"))
    assert places(found) == places(made)
    assert same_pixels(found, made)
    assert found.provenance.split == split
    assert not dropped


def test_masks_of_several_samples_of_a_picture_are_joined_and_the_rest_is_counted(tmp_path: Path) -> None:
    shown = image()
    square = Polygon(((15, 15), (15, 20), (20, 20), (20, 15)))
    made = [sample([Region("a", mask(INSIDE)), Region("b", Box((1, 1), (5, 5)))], shown), sample([Region("a", square)], shown)]
    (found,), dropped = there_and_back(mask_folder, [*made, sample([], image(1))], tmp_path)
    assert int(found.regions[0].geometry.load().sum()) == 30 + 25
    assert dropped == {
        "boxes, points and outlines in volumes: the format has masks alone": 1,
        "pictures without a mask": 1,
    }
    with pytest.raises(UsageError, match="mask or outline"):
        mask_folder.write([sample([], image())], tmp_path / "none", Dropped())


@pytest.mark.parametrize(
    ("collection", "pictures", "masks"),
    [("kvasir_seg_sample", 3, 3), ("hc18_fetal_head", 66, 66), ("monuseg_histology", 14, 14), ("drive_fundus", 32, 64)],
)
def test_real_collections_are_read_as_mask_folders(public_data: Path, collection: str, pictures: int, masks: int) -> None:
    found, faults = told(mask_folder.read, public_data / collection)
    assert (len(found), sum(len(one.regions) for one in found)) == (pictures, masks)
    assert set(codes(faults)) <= {"media_unused"}


def test_a_real_volume_with_a_mask_for_each_structure_is_read(public_data: Path, tmp_path: Path) -> None:
    source = public_data / "totalsegmentator"
    (tmp_path / "s01").mkdir()
    (tmp_path / "s01" / "ct.nii.gz").symlink_to((source / "example_ct_sm.nii.gz").resolve())
    (tmp_path / "s01" / "segmentations").symlink_to((source / "example_seg_fast").resolve())
    (found,), faults = told(mask_folder.read, tmp_path)
    assert found.images[0].image.kind == "volume"
    empty = codes(faults).count("mask_all_zero")
    assert len(found.regions) + empty == len(list((source / "example_seg_fast").glob("*.nii.gz")))
    assert "liver" in found.labels
