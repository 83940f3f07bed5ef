"""YOLO: boxes and outlines in parts of the picture, names and splits in data.yaml."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.datasets.formats.drawn import (
    HEIGHT,
    LABELS,
    WIDTH,
    boxes,
    codes,
    image,
    mask,
    pixels,
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
from vesalius.datasets.formats import yolo
from vesalius.errors import InputRefused, UsageError
from vesalius.types import Box, Point, Polygon, Region

FEW = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
ABOUT = {"path": "../datasets/lungs", "train": "images/train", "val": "images/val", "names": {0: "Right_Lung", 1: "polyp"}}


def build(root: Path, lines: dict[str, str], **changed: Any) -> Path:
    """A picture for each name, and its labels where there are any."""
    for seed, (name, text) in enumerate(lines.items()):
        save(root / "images" / f"{name}.png", pixels(seed))
        if text:
            place = root / "labels" / f"{name}.txt"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
    (root / "data.yaml").write_text(yaml.safe_dump({**ABOUT, **changed}))
    return root


def test_a_box_is_its_center_and_size_in_parts_of_the_picture(tmp_path: Path) -> None:
    root = build(tmp_path, {"train/a": "0 0.5 0.5 0.25 0.5\n", "val/b": ""})
    assert yolo.recognizes(root)
    assert yolo.recognizes(root / "data.yaml")
    one, other = yolo.read(root)
    assert [(region.label, region.geometry.xyxy_px) for region in one.regions] == [("right lung", (12, 6, 20, 18))]
    assert [each.provenance.split for each in (one, other)] == ["train", "validation"]
    assert (other.regions, other.labels) == ((), {})


def test_outlines_stay_outlines(tmp_path: Path) -> None:
    (found,) = yolo.read(build(tmp_path, {"train/a": "1 0 0 0.5 0 0.5 0.25 0.25 0.5"}, val=None))
    assert [region.geometry for region in found.regions] == [Polygon(((0, 0), (0, 16), (6, 16), (12, 8)))]


def test_key_points_are_points_of_their_object(tmp_path: Path) -> None:
    root = build(tmp_path, {"train/a": "1 0.5 0.5 0.5 0.5 0.25 0.5 2 0 0 0"}, val=None, kpt_shape=[2, 3])
    (found,) = yolo.read(root)
    assert [(region.label, region.attributes) for region in found.regions] == [
        ("polyp", {"object": "1"}),
        ("key point 0", {"object": "1"}),
    ]
    assert found.regions[1].geometry == Point((12, 8))


@pytest.mark.parametrize(
    ("train", "names"),
    [
        ("../train/images", {0: "a"}),
        (["train/images"], ["a"]),
        ("/data/set/train/images", ["a"]),
        ("train.txt", ["a"]),
        ("./train/images/", ["a"]),
    ],
)
def test_folders_lists_and_text_files_name_the_pictures_of_a_split(tmp_path: Path, train: Any, names: Any) -> None:
    for split, seed in (("train", 1), ("valid", 2)):
        save(tmp_path / split / "images" / "a.jpg", pixels(seed))
        (tmp_path / split / "labels").mkdir()
        (tmp_path / split / "labels" / "a.txt").write_text("0 0.5 0.5 1 1")
    (tmp_path / "train.txt").write_text("./train/images/a.jpg\n")
    (tmp_path / "data.yaml").write_text(yaml.safe_dump({"train": train, "val": "../valid/images", "names": names}))
    found = list(yolo.read(tmp_path))
    assert [(one.provenance.split, len(one.regions)) for one in found] == [("train", 1), ("validation", 1)]


def test_names_alone_are_enough_beside_pictures_and_labels(tmp_path: Path) -> None:
    build(tmp_path, {"a": "1 0.5 0.5 0.5 0.5"})
    (tmp_path / "data.yaml").unlink()
    assert not yolo.recognizes(tmp_path)
    (tmp_path / "classes.txt").write_text("lung\npolyp\n")
    assert yolo.recognizes(tmp_path)
    (found,) = yolo.read(tmp_path)
    assert (found.regions[0].label, found.provenance.split) == ("polyp", None)


FAULTS = {
    "pixels": ("0 16 12 8 6", "box_space", "from 6 to 16"),
    "corners": ("0 0.4 0.5 0.9 0.9", "box_space", "As x0, y0, x1, y1"),
    "outside": ("0 0.95 0.5 0.2 0.5", "box_outside", "32 px wide"),
    "inverted": ("0 0.5 0.5 -0.2 0.5", "box_inverted", "ends before"),
    "flat": ("0 0.5 0.5 0 0.5", "box_without_extent", "no extent"),
    "class": ("7 0.5 0.5 0.5 0.5", "label_unknown", "no number"),
    "class in words": ("lung 0.5 0.5 0.5 0.5", "label_unknown", "no number"),
    "three": ("0 0.5 0.5 0.5", "record_malformed", "3 numbers"),
    "with a score": ("0 0.5 0.5 0.5 0.5 0.9", "record_malformed", "5 numbers"),
    "words": ("0 0.5 0.5 x 0.5", "record_malformed", "numbers"),
    "not finite": ("0 0.5 0.5 nan 0.5", "record_malformed", "not finite"),
    "class alone": ("0", "record_malformed", "0 numbers"),
    "outline outside": ("0 0 0 1.2 0 0.5 0.5", "box_outside", "to (38.4, 12)"),
    "line": ("0 0 0 0.25 0.25 0.5 0.5", "box_without_extent", "encloses nothing"),
}


@pytest.mark.parametrize(("line", "code", "says"), FAULTS.values(), ids=FAULTS)
def test_what_is_wrong_is_told_with_its_numbers_and_the_rest_stays(tmp_path: Path, line: str, code: str, says: str) -> None:
    root = build(tmp_path, {"train/a": f"0 0.5 0.5 0.5 0.5\n{line}\n"}, val=None)
    (found,), faults = told(yolo.read, root)
    assert [(fault.code, fault.where) for fault in faults] == [(code, "picture 1, line 2")]
    assert says in faults[0].message
    assert len(found.regions) == 1


def test_rounded_numbers_are_put_on_the_edge_and_no_others(tmp_path: Path) -> None:
    root = build(tmp_path, {"train/a": "0 0.917 0.5 0.167 1\n0 0.9 0.5 0.25 1"}, val=None)
    (found,), faults = told(yolo.read, root)
    assert found.regions[0].geometry.high == (HEIGHT, WIDTH)
    assert codes(faults) == ["box_outside"]


def test_labels_without_a_picture_and_splits_without_a_folder_are_told(tmp_path: Path) -> None:
    root = build(tmp_path, {"train/a": "0 0.5 0.5 0.5 0.5"})
    (root / "labels" / "train" / "lost.txt").write_text("0 0.5 0.5 0.5 0.5")
    (root / "images" / "train" / "b.png").write_bytes(b"no picture")
    found, faults = told(yolo.read, root)
    assert len(found) == 1
    assert [(fault.code, fault.where) for fault in faults] == [
        ("media_unreadable", "picture 2"),
        ("media_missing", "split val"),
        ("media_missing", "labels"),
    ]


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"3", b"- a\n- b", b"names: [a]", b"a: &a [*a, *a]\n", b"names: " + b"[" * 5000]
)
def test_garbage_and_other_lists_are_not_recognized(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data.yaml").write_bytes(content)
    assert not yolo.recognizes(tmp_path)
    assert not yolo.recognizes(tmp_path / "data.yaml")
    with pytest.raises(InputRefused, match="names and splits"):
        list(yolo.read(tmp_path))


@FEW
@given(
    st.one_of(st.lists(st.tuples(LABELS, place), min_size=0, max_size=3) for place in (boxes(), polygons())),
    st.sampled_from(["train", "validation", "test"]),
)
def test_boxes_and_outlines_come_back(tmp_path_factory: pytest.TempPathFactory, drawn: list, split: str) -> None:
    made = sample([Region(label, place) for label, place in drawn], split=split)
    (found,), dropped = there_and_back(yolo, [made], tmp_path_factory.mktemp("yolo"))
    one, other = ([(*p[:3], tuple(np.round(np.ravel(p[3]), 4))) for p in places(each)] for each in (found, made))
    assert len(one) == len(set(other))
    assert all(np.allclose(a[3], b[3], atol=1e-5) and a[:3] == b[:3] for a, b in zip(one, sorted(set(other)), strict=True))
    assert same_pixels(found, made)
    assert found.provenance.split == split
    assert not dropped


def test_files_are_written_as_the_programs_read_them(tmp_path: Path) -> None:
    yolo.write([sample([Region("lung", Box((6, 12), (18, 20)))], split="train")], tmp_path, Dropped())
    assert yaml.safe_load((tmp_path / "data.yaml").read_text()) == {
        "path": ".",
        "train": "images/train",
        "names": {0: "lung"},
    }
    (labels,) = (tmp_path / "labels" / "train").iterdir()
    assert labels.read_text() == "0 0.5 0.5 0.25 0.5\n"
    assert (tmp_path / "images" / "train" / f"{labels.stem}.png").is_file()


def test_a_picture_of_several_samples_has_the_regions_of_all_in_one_kind(tmp_path: Path) -> None:
    shown, triangle = image(), Polygon(((6, 12), (6, 20), (18, 20)))
    made = [sample([Region(name, place)], shown, split="train") for name, place in (("a", triangle), ("b", Box((3, 4), (9, 12))))]
    (found,), dropped = there_and_back(yolo, [*made, made[1]], tmp_path)
    assert [(region.label, region.geometry.xyxy_px) for region in found.regions] == [("a", (12, 6, 20, 18)), ("b", (4, 3, 12, 9))]
    assert dropped == {"outlines beside boxes of one picture: their boxes were written": 1}


def test_what_yolo_cannot_hold_is_counted(tmp_path: Path) -> None:
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[6:18, 12:20] = True
    regions = [Region("a", mask(inside), attributes={"side": "left"}), Region("b", Point((3, 3)))]
    (found,), dropped = there_and_back(yolo, [sample(regions)], tmp_path)
    assert [region.geometry.xyxy_px for region in found.regions] == [(12, 6, 20, 18)]
    assert dropped == {
        "pictures without a split: written as train": 1,
        "attributes of regions: the format has none": 1,
        "masks: their boxes were written, the format has no others": 1,
        "points, and masks that mark nothing: the format has boxes and outlines": 1,
    }
    with pytest.raises(UsageError, match="plain picture"):
        yolo.write([sample([], volume())], tmp_path / "none", Dropped())
