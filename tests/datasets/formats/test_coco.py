"""COCO: instances with boxes, outlines and masks, in one list or several."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from tests.datasets.formats.drawn import (
    HEIGHT,
    LABELS,
    WIDTH,
    boxes,
    codes,
    image,
    mask,
    masks,
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
from vesalius.datasets.formats import coco
from vesalius.errors import InputRefused, UsageError
from vesalius.types import Box, Mask, Point, Polygon, Region

BOX = [2, 3, 10, 8]
FEW = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])


def build(root: Path, *annotations: dict[str, Any], where: str = "annotations/instances_train2017.json", **changed: Any) -> Path:
    """One picture with annotations of it; `changed` replaces whole lists."""
    save(root / "pictures" / "a.png", pixels())
    lists: dict[str, Any] = {
        "info": {},
        "licenses": [{"id": 3, "name": "CC BY 4.0"}],
        "images": [{"id": 1, "file_name": "a.png", "width": WIDTH, "height": HEIGHT, "license": 3}],
        "annotations": [{"id": n, "image_id": 1, "category_id": 7, **one} for n, one in enumerate(annotations, start=1)],
        "categories": [{"id": 7, "name": "Right_Lung", "keypoints": ["apex", "base"]}, {"id": 8, "name": "polyp"}],
        **changed,
    }
    path = root / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(lists))
    return root


def test_a_box_is_read_as_its_two_corners(tmp_path: Path) -> None:
    root = build(tmp_path, {"bbox": BOX})
    assert coco.recognizes(root)
    (found,) = coco.read(root)
    (region,) = found.regions
    assert (region.label, region.geometry.xyxy_px) == ("right lung", (2, 3, 12, 11))
    assert (found.task, found.turns, found.labels) == ("annotation", (), {"right lung": "present"})
    assert (found.provenance.split, found.provenance.licence) == ("train", "CC BY 4.0")


def test_outlines_stay_outlines_and_pieces_of_one_object_name_it(tmp_path: Path) -> None:
    rings = [[1, 1, 5, 1, 5, 6], [10, 10, 20, 10, 20, 20, 10, 20]]
    (found,) = coco.read(build(tmp_path, {"bbox": [1, 1, 19, 19], "segmentation": rings}))
    assert [region.geometry for region in found.regions] == [
        Polygon(((1, 1), (1, 5), (6, 5))),
        Polygon(((10, 10), (10, 20), (20, 20), (20, 10))),
    ]
    assert [region.attributes for region in found.regions] == [{"object": "1"}] * 2


@pytest.mark.parametrize("as_text", [True, False])
def test_masks_of_both_kinds_are_decoded_when_asked_for_as_cocos_tools_have_them(tmp_path: Path, as_text: bool) -> None:
    wanted = np.zeros((HEIGHT, WIDTH), bool)
    wanted[3:9, 4:20] = True
    encoded = coco_mask.encode(np.asfortranarray(wanted.astype(np.uint8)))
    text = encoded["counts"].decode("ascii")
    counts: Any = text if as_text else [4 * HEIGHT + 3, *([6, HEIGHT - 6] * 15), 6, 13 * HEIGHT - 9]
    (found,) = coco.read(build(tmp_path, {"iscrowd": 1, "segmentation": {"size": [HEIGHT, WIDTH], "counts": counts}}))
    (region,) = found.regions
    assert np.array_equal(region.geometry.load(), wanted)
    assert region.attributes == {"crowd": "yes"}


def test_key_points_that_are_labeled_and_attributes_are_kept(tmp_path: Path) -> None:
    mark = {"bbox": BOX, "keypoints": [5, 6, 2, 0, 0, 0], "num_keypoints": 1, "attributes": {"occluded": True, "grade": 2}}
    (found,) = coco.read(build(tmp_path, mark))
    box, point = found.regions
    assert (point.label, point.geometry) == ("apex", Point((6, 5)))
    assert box.attributes == {"occluded": "yes", "grade": "2", "object": "1"} == point.attributes


def test_several_lists_give_several_splits_and_pictures_lie_anywhere(tmp_path: Path) -> None:
    build(tmp_path, {"bbox": BOX}, where="train/_annotations.coco.json")
    listed = [{"id": 1, "file_name": "b.png"}, {"id": 2, "file_name": "valid/c.png"}]
    build(tmp_path, {"bbox": BOX}, where="valid/_annotations.coco.json", images=listed)
    save(tmp_path / "valid" / "b.png", pixels(1))
    save(tmp_path / "valid" / "c.png", pixels(2))
    found = list(coco.read(tmp_path))
    assert [(one.provenance.split, len(one.regions)) for one in found] == [("train", 1), ("validation", 1), ("validation", 0)]
    assert len({one.key for one in found}) == 3


def test_one_file_can_be_given(tmp_path: Path) -> None:
    build(tmp_path, {"bbox": BOX}, where="all.json")
    assert coco.recognizes(tmp_path / "all.json")
    (found,) = coco.read(tmp_path / "all.json")
    assert found.provenance.split is None


def test_long_lists_are_recognized_by_their_ends(tmp_path: Path) -> None:
    many = [{"id": n, "image_id": 1, "category_id": 7, "bbox": BOX} for n in range(20_000)]
    root = build(tmp_path, annotations=many)
    assert (root / "annotations/instances_train2017.json").stat().st_size > 1 << 20
    assert coco.recognizes(root)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"3", b"[]", b'{"images": [], "annotations": 3, "categories": []}', b"{" * 100_000]
)
def test_garbage_and_other_json_is_not_recognized(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    assert not coco.recognizes(tmp_path)
    assert not coco.recognizes(tmp_path / "a.json")
    with pytest.raises(InputRefused, match="no JSON file with images"):
        list(coco.read(tmp_path))


def test_captions_and_questions_in_lists_of_the_same_names_are_not_recognized(tmp_path: Path) -> None:
    assert not coco.recognizes(build(tmp_path, annotations=[{"id": 1, "image_id": 1, "caption": "A lung."}]))


RLE = {"size": [HEIGHT, WIDTH], "counts": [HEIGHT * WIDTH]}
FAULTS = {
    "outside": ({"bbox": [20, 3, 10, 30]}, "box_outside", "to (30, 33); the picture is 32 px wide and 24 px high"),
    "corners": ({"bbox": [20, 10, 30, 20]}, "box_space", "As x0, y0, x1, y1"),
    "parts": ({"bbox": [0.1, 0.2, 0.5, 0.4]}, "box_space", "parts of the picture"),
    "inverted": ({"bbox": [20, 3, -5, 4]}, "box_inverted", "from (20, 3) to (15, 7)"),
    "flat": ({"bbox": [20, 3, 0, 4]}, "box_without_extent", "no extent"),
    "three numbers": ({"bbox": [20, 3, 4]}, "record_malformed", "4 numbers"),
    "words": ({"bbox": ["1", 2, 3, 4]}, "record_malformed", "4 numbers"),
    "not finite": ({"bbox": [1, 2, 3, float("nan")]}, "record_malformed", "not finite"),
    "huge": ({"bbox": [1, 2, 3, 10**400]}, "record_malformed", "not finite"),
    "nothing": ({}, "record_malformed", "neither"),
    "class": ({"bbox": BOX, "category_id": 99}, "label_unknown", "no name"),
    "class in a list": ({"bbox": BOX, "category_id": [7]}, "label_unknown", "no name"),
    "picture": ({"bbox": BOX, "image_id": 5}, "record_malformed", "no picture"),
    "odd": ({"segmentation": [[1, 2, 3, 4, 5, 6, 7]]}, "record_malformed", "7 numbers"),
    "line": ({"segmentation": [[1, 1, 5, 5, 9, 9]]}, "box_without_extent", "encloses nothing"),
    "two vertices": ({"segmentation": [[1, 1, 5, 5]]}, "record_malformed", "2 vertices"),
    "outline outside": ({"segmentation": [[1, 1, 40, 1, 40, 9]]}, "box_outside", "to (40, 9)"),
    "other grid": ({"segmentation": {"size": [8, 8], "counts": [64]}}, "mask_geometry", "8 × 8"),
    "too long": ({"segmentation": {**RLE, "counts": [0, 10**15]}}, "mask_geometry", "run"),
    "too many": ({"segmentation": {**RLE, "counts": [HEIGHT * WIDTH, 5]}}, "mask_geometry", "add up to 773"),
    "too few": ({"segmentation": {**RLE, "counts": [5]}}, "mask_geometry", "add up to 5"),
    "negative": ({"segmentation": {**RLE, "counts": [-5, HEIGHT * WIDTH + 5]}}, "mask_geometry", "run"),
    "not run lengths": ({"segmentation": {**RLE, "counts": "~~~"}}, "mask_geometry", "character"),
    "unfinished": ({"segmentation": {**RLE, "counts": "0o"}}, "mask_geometry", "does not end"),
    "empty": ({"segmentation": RLE}, "mask_all_zero", "nothing"),
    "key points": ({"bbox": BOX, "keypoints": [1, 2, 2]}, "record_malformed", "3 numbers of key points"),
}


@pytest.mark.parametrize(("mark", "code", "says"), FAULTS.values(), ids=FAULTS)
def test_what_is_wrong_is_told_with_its_numbers_and_the_rest_stays(tmp_path: Path, mark: dict, code: str, says: str) -> None:
    (found,), faults = told(coco.read, build(tmp_path, mark, {"bbox": BOX}))
    assert [(fault.code, fault.where) for fault in faults] == [(code, "annotation 1")]
    assert says in faults[0].message
    assert len(found.regions) == 1


def test_an_outline_that_contradicts_its_box_is_used_and_told(tmp_path: Path) -> None:
    mark = {"bbox": [0, 0, 4, 4], "segmentation": [[10, 10, 20, 10, 20, 20]]}
    (found,), faults = told(coco.read, build(tmp_path, mark))
    assert codes(faults) == ["annotation_conflict"]
    assert isinstance(found.regions[0].geometry, Polygon)


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"id": 2, "file_name": "gone.png"}, "media_missing"),
        ({"id": 2, "file_name": "../../etc/passwd"}, "media_missing"),
        ({"id": 2, "file_name": "a.png", "width": WIDTH * 2, "height": HEIGHT * 2}, "box_space"),
        ({"id": 1, "file_name": "a.png"}, "record_malformed"),
        ({"file_name": "a.png"}, "record_malformed"),
        ("a.png", "record_malformed"),
    ],
)
def test_a_picture_that_cannot_be_used_is_left_out_and_told(tmp_path: Path, entry: Any, code: str) -> None:
    root = build(tmp_path, {"bbox": BOX}, images=[{"id": 1, "file_name": "a.png"}, entry])
    found, faults = told(coco.read, root)
    assert [(fault.code, fault.where) for fault in faults] == [(code, "image 2")]
    assert len(found) == 1


def test_no_fault_says_what_a_file_is_called(tmp_path: Path) -> None:
    _, faults = told(coco.read, build(tmp_path, {"bbox": BOX}, images=[{"id": 1, "file_name": "Jane_Doe.png"}]))
    assert "Jane" not in str([fault.to_json() for fault in faults])


@FEW
@given(st.lists(st.tuples(LABELS, st.one_of(boxes(), polygons(), masks())), min_size=1, max_size=4))
def test_boxes_outlines_and_masks_come_back(tmp_path_factory: pytest.TempPathFactory, drawn: list) -> None:
    made = sample([Region(label, place) for label, place in drawn], split="validation")
    (found,), dropped = there_and_back(coco, [made], tmp_path_factory.mktemp("coco"))
    assert set(places(found)) == set(places(made))  # of two regions that are the same, one is held
    assert same_pixels(found, made)
    assert found.provenance.split == "validation"
    assert not dropped


def test_cocos_own_tools_read_what_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[2:9, 3:30] = True
    pieces = [Polygon(((1, 1), (1, 9), (9, 9), (9, 1))), Polygon(((12, 12), (12, 20), (20, 20), (20, 12)))]
    regions = [Region("lung", mask(inside)), Region("cell", Box((4, 2), (8, 9)), attributes={"crowd": "yes", "side": "left"})]
    regions += [Region("polyp", piece, attributes={"object": "4"}) for piece in pieces]
    coco.write([sample(regions, split="train")], tmp_path, Dropped())
    theirs = COCO(str(tmp_path / "annotations" / "instances_train.json"))
    assert theirs.loadImgs([1])[0]["width"] == WIDTH
    lung, cell, polyp = theirs.loadAnns(theirs.getAnnIds([1]))
    assert np.array_equal(theirs.annToMask(lung), inside)
    assert (cell["bbox"], cell["iscrowd"], cell["area"]) == ([2, 4, 7, 4], 1, 28)
    assert theirs.annToMask(polyp).sum() == polyp["area"] == 128
    assert [c["name"] for c in theirs.loadCats(theirs.getCatIds())] == ["lung", "cell", "polyp"]
    (found,) = coco.read(tmp_path)
    assert len({region.attributes.get("object") for region in found.regions if region.label == "polyp"}) == 1


def test_a_picture_of_several_samples_is_listed_once_with_the_regions_of_all(tmp_path: Path) -> None:
    shown = image()
    made = [sample([Region(name, Box((1, 1), (5, 5)))], shown) for name in ("a", "b", "a")]
    (found,), _ = there_and_back(coco, made, tmp_path)
    assert [region.label for region in found.regions] == ["a", "b"]


def test_what_coco_cannot_hold_is_counted(tmp_path: Path) -> None:
    one = sample([Region("spot", Point((3, 3))), Region("a", Box((1, 1), (5, 5)))], labels={"edema": "absent"})
    empty = sample([Region("b", Mask(lambda: np.zeros((HEIGHT, WIDTH), bool)))], image(1))
    whole = sample([Region("liver", mask(np.ones((4, HEIGHT, WIDTH), bool)))], volume())
    dropped = Dropped()
    coco.write([one, empty, whole], tmp_path, dropped)
    assert dropped == {
        "points: the format has key points of objects alone": 1,
        "masks that mark nothing": 1,
        "labels of a picture as a whole: the format has regions alone": 1,
        "volumes: the format has none": 1,
        "regions of volumes": 1,
    }
    assert sorted(path.suffix for path in tmp_path.rglob("*") if path.is_file()) == [".json", ".png", ".png"]


def test_samples_without_a_plain_picture_are_refused_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="plain picture"):
        coco.write([sample([], volume())], tmp_path, Dropped())
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_the_same_samples_give_the_same_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        coco.write([sample([Region("a", Box((1, 1), (5, 5)))])], tmp_path / name, Dropped())
    one, two = (sorted((tmp_path / name).rglob("*.*")) for name in ("one", "two"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_the_lung_boxes_of_a_real_collection_are_read(public_data: Path) -> None:
    root = public_data / "covid_chestxray"
    found, faults = told(lambda _, tell: coco.read(root, tell), root)
    resized = [one for one in found if one.regions]
    assert len(resized) > 400
    assert {region.label for one in resized for region in one.regions} >= {"right lung", "left lung"}
    assert set(codes(faults)) <= {
        "box_space",
        "media_missing",
        "media_ambiguous",
        "label_unknown",
        "box_outside",
        "record_malformed",
    }
