"""Pascal VOC: corners that count from 1, lists of splits, maps of objects and classes."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
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
    same_pixels,
    sample,
    save,
    there_and_back,
    told,
    volume,
)

from vesalius.datasets.exports import Dropped
from vesalius.datasets.formats import voc
from vesalius.errors import InputRefused, UsageError
from vesalius.types import Box, Mask, Point, Polygon, Region

FEW = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
COLORS = [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0]  # the first of VOC's, as its documentation prints them


def item(name: str = "Right_Lung", corners: tuple = (3, 4, 12, 11), more: str = "") -> str:
    names = ("xmin", "ymin", "xmax", "ymax")
    box = "".join(f"<{corner}>{value}</{corner}>" for corner, value in zip(names, corners, strict=True))
    return f"<object><name>{name}</name>{more}<bndbox>{box}</bndbox></object>"


def build(root: Path, *objects: str, stem: str = "a", size: tuple[int, int] = (WIDTH, HEIGHT), filename: str = "") -> Path:
    save(root / "JPEGImages" / f"{stem}.png", pixels())
    (root / "Annotations").mkdir(exist_ok=True)
    stated = f"<filename>{filename or stem + '.png'}</filename><size><width>{size[0]}</width><height>{size[1]}</height></size>"
    (root / "Annotations" / f"{stem}.xml").write_text(f"<annotation>{stated}{''.join(objects)}</annotation>")
    return root


def numbers(root: Path, folder: str, values: np.ndarray, *, palette: bool = True) -> None:
    """A map of numbers as VOC has it: a palette's indices."""
    (root / folder).mkdir(exist_ok=True)
    picture = Pillow.fromarray(values.astype(np.uint8), "L" if not palette else "P")
    if palette:
        colors = np.zeros((256, 3), np.uint8)
        colors[:4] = np.reshape(COLORS, (4, 3))
        colors[255] = (224, 224, 192)
        picture.putpalette(colors.ravel().tolist())
    picture.save(root / folder / "a.png")


def test_corners_count_from_one_and_lie_inside(tmp_path: Path) -> None:
    root = build(tmp_path, item(corners=(1, 1, WIDTH, HEIGHT)), item(corners=(3, 4, 12, 11)))
    assert voc.recognizes(root)
    (found,) = voc.read(root)
    assert [region.geometry.xyxy_px for region in found.regions] == [(0, 0, WIDTH, HEIGHT), (2, 3, 12, 11)]
    assert found.labels == {"right lung": "present"}
    assert found.provenance.split is None


def test_files_that_count_from_zero_are_told_and_can_be_read_so(tmp_path: Path) -> None:
    root = build(tmp_path, item(corners=(0, 4, 12, 11)))
    (found,), faults = told(voc.read, root)
    assert (codes(faults), found.regions) == (["box_space"], ())
    assert "(0, 4) to (12, 11)" in faults[0].message
    (found,) = voc.read(root, first_pixel=0)
    assert found.regions[0].geometry.xyxy_px == (0, 4, 13, 12)


FAULTS = {
    "outside": (item(corners=(3, 4, 40, 11)), "box_outside", "32 px wide"),
    "inverted": (item(corners=(12, 4, 3, 11)), "box_inverted", "(12, 4) to (3, 11)"),
    "flat": (item(corners=(3, 4, 3, 11)), "box_without_extent", "(3, 4) to (3, 11)"),
    "parts": (item(corners=(0.1, 0.2, 0.5, 0.75)), "box_space", "at most 1"),
    "words": (item(corners=("left", 4, 3, 11)), "record_malformed", "four numbers"),
    "not finite": (item(corners=("nan", 4, 3, 11)), "record_malformed", "finite"),
    "no box": ("<object><name>a</name></object>", "record_malformed", "four numbers"),
    "no name": (item(name=""), "label_unknown", "no name"),
    "placeholder": (item(name="&lt;image:0&gt;"), "special_token", "mark"),
}


@pytest.mark.parametrize(("wrong", "code", "says"), FAULTS.values(), ids=FAULTS)
def test_what_is_wrong_is_told_with_its_numbers_and_the_rest_stays(tmp_path: Path, wrong: str, code: str, says: str) -> None:
    (found,), faults = told(voc.read, build(tmp_path, item(), wrong))
    assert [(fault.code, fault.where) for fault in faults] == [(code, "annotation 1, object 2")]
    assert says in faults[0].message
    assert len(found.regions) == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("<annotation><object>", "record_malformed"),
        ("", "record_malformed"),
        ("<html/>", "record_malformed"),
        ("<?xml version='1.0' encoding='klingon'?><annotation/>", "record_malformed"),
        ("<annotation><filename>gone.png</filename></annotation>", "media_missing"),
        (
            "<annotation><filename>a.png</filename><size><width>64</width><height>48</height></size></annotation>",
            "box_space",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_told_and_the_next_is_read(tmp_path: Path, text: str, code: str) -> None:
    root = build(tmp_path, item())
    (root / "Annotations" / "b.xml").write_text(text)
    found, faults = told(voc.read, root)
    assert [(fault.code, fault.where) for fault in faults] == [(code, "annotation 2")]
    assert len(found) == 1


def test_what_an_entry_says_and_its_parts_are_kept(tmp_path: Path) -> None:
    more = "<pose>Left</pose><truncated>1</truncated><difficult>0</difficult>"
    more += "<attributes><attribute><name>grade</name><value>2</value></attribute></attributes>"
    more += "<part><name>apex</name><bndbox><xmin>4</xmin><ymin>5</ymin><xmax>6</xmax><ymax>7</ymax></bndbox></part>"
    (found,) = voc.read(build(tmp_path, item(more=more)))
    assert dict(found.regions[0].attributes) == {"pose": "Left", "truncated": "yes", "grade": "2"}
    assert (found.regions[1].label, found.regions[1].geometry.xyxy_px) == ("apex", (3, 4, 6, 7))


def test_published_lists_are_the_splits_and_a_picture_in_two_is_told(tmp_path: Path) -> None:
    for stem in ("a", "b", "c"):
        build(tmp_path, item(), stem=stem)
    lists = tmp_path / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    for name, stems in {"train": "a\n", "val": "b\na\n", "trainval": "a\nb\n", "lung_test": "b -1\n"}.items():
        (lists / f"{name}.txt").write_text(stems)
    found, faults = told(voc.read, tmp_path)
    assert [one.provenance.split for one in found] == [None, "validation", None]
    assert [(fault.code, fault.where) for fault in faults] == [("picture_across_splits", "annotation 1")]


def test_pictures_beside_their_files_in_folders_of_splits_are_found(tmp_path: Path) -> None:
    for split, seed in (("train", 1), ("valid", 2)):
        save(tmp_path / split / "a.jpg", pixels(seed))
        text = f"<annotation><filename>a.jpg</filename>{item()}</annotation>"
        (tmp_path / split / "a.xml").write_text(text)
    assert voc.recognizes(tmp_path)
    found = list(voc.read(tmp_path))
    assert [one.provenance.split for one in found] == ["train", "validation"]
    assert found[0].provenance.patient_key != found[1].provenance.patient_key
    assert len({one.key for one in found}) == 2


def test_a_wrong_ending_of_the_file_name_is_no_obstacle(tmp_path: Path) -> None:
    assert len(list(voc.read(build(tmp_path, item(), filename="C:\\data\\a.jpg")))) == 1


@pytest.mark.parametrize("palette", [True, False])
def test_objects_have_their_masks_and_the_border_is_nobodys(tmp_path: Path, palette: bool) -> None:
    values = np.zeros((HEIGHT, WIDTH))
    values[3:11, 2:12] = 1
    values[15:20, 20:30] = 2
    values[2, 2:12] = 255
    root = build(tmp_path, item(), item("cell", (21, 16, 30, 20)), item("polyp", (1, 1, 2, 2)))
    numbers(root, "SegmentationObject", values, palette=palette)
    (found,) = voc.read(root)
    lung, cell, polyp = found.regions
    assert np.array_equal(lung.geometry.load(), values == 1)
    assert np.array_equal(cell.geometry.load(), values == 2)
    assert isinstance(polyp.geometry, Box)


def test_a_map_that_contradicts_the_file_is_told(tmp_path: Path) -> None:
    values = np.zeros((HEIGHT, WIDTH))
    values[15:20, 20:30] = 1
    values[0, 0] = 3
    root = build(tmp_path, item())
    numbers(root, "SegmentationObject", values)
    _, faults = told(voc.read, root)
    assert codes(faults) == ["annotation_conflict", "label_unknown"]
    numbers(root, "SegmentationObject", np.zeros((8, 8)))
    (found,), faults = told(voc.read, root)
    assert codes(faults) == ["mask_geometry"]
    assert isinstance(found.regions[0].geometry, Box)


def test_classes_have_vocs_names_or_those_of_the_label_map(tmp_path: Path) -> None:
    values = np.zeros((HEIGHT, WIDTH))
    values[3:11, 2:12] = 1
    values[15:20, 20:30] = 3
    root = build(tmp_path)
    numbers(root, "SegmentationClass", values)
    (found,) = voc.read(root)
    assert [region.label for region in found.regions] == ["aeroplane", "bird"]
    (root / "labelmap.txt").write_text("# label:color_rgb:parts:actions\nbackground:0,0,0::\nlung:128,0,0::\n")
    (found,), faults = told(voc.read, root)
    assert [region.label for region in found.regions] == ["lung"]
    assert np.array_equal(found.regions[0].geometry.load(), values == 1)
    assert codes(faults) == ["label_unknown"]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"<Annotations/>", b"{}", b"<svg><object/></svg>"])
def test_garbage_is_not_recognized(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.xml").write_bytes(content)
    assert not voc.recognizes(tmp_path)
    assert not voc.recognizes(tmp_path / "a.xml")
    with pytest.raises(InputRefused, match="no XML file"):
        list(voc.read(tmp_path))


@FEW
@given(
    st.lists(st.tuples(LABELS, st.one_of(boxes(), boxes(whole=True))), min_size=1, max_size=4),
    st.sampled_from(["train", "validation", "test", None]),
)
def test_boxes_come_back(tmp_path_factory: pytest.TempPathFactory, drawn: list, split: str | None) -> None:
    made = sample([Region(label, place, attributes={"pose": "Left", "k": "ä < b"}) for label, place in drawn], split=split)
    (found,), dropped = there_and_back(voc, [made], tmp_path_factory.mktemp("voc"))
    assert set(places(found)) == set(places(made))
    assert same_pixels(found, made)
    assert found.provenance.split == split
    assert not dropped


def test_files_are_written_as_the_development_kit_has_them(tmp_path: Path) -> None:
    voc.write(
        [sample([Region("lung", Box((2, 4), (8, 9)), attributes={"difficult": "yes"})], split="train")], tmp_path, Dropped()
    )
    (path,) = (tmp_path / "Annotations").iterdir()
    tree = ElementTree.parse(path).getroot()
    assert [child.tag for child in tree] == ["folder", "filename", "size", "segmented", "object"]
    assert (tmp_path / "JPEGImages" / tree.findtext("filename")).is_file()
    assert [tree.findtext(f"size/{side}") for side in ("width", "height", "depth")] == ["32", "24", "1"]
    assert [tree.findtext(f"object/{tag}") for tag in ("name", "pose", "truncated", "difficult")] == [
        "lung",
        "Unspecified",
        "0",
        "1",
    ]
    assert [corner.text for corner in tree.find("object/bndbox")] == ["5", "3", "9", "8"]
    assert (tmp_path / "ImageSets" / "Main" / "train.txt").read_text() == f"{path.stem}\n"


def test_a_picture_of_several_samples_has_one_file_with_the_regions_of_all(tmp_path: Path) -> None:
    shown = image()
    made = [sample([Region(name, Box((1, 1), (5, 5)))], shown) for name in ("a", "b", "a")]
    (found,), _ = there_and_back(voc, made, tmp_path)
    assert [region.label for region in found.regions] == ["a", "b"]


def test_what_voc_cannot_hold_is_counted(tmp_path: Path) -> None:
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[2:9, 3:30] = True
    regions = [Region("a", mask(inside)), Region("b", Polygon(((1, 1), (1, 9), (9, 9)))), Region("c", Point((3, 3)))]
    regions += [Region("d", Box((1, 1), (2, 5))), Region("e", Mask(lambda: np.zeros((HEIGHT, WIDTH), bool)))]
    (found,), dropped = there_and_back(voc, [sample(regions)], tmp_path)
    assert [region.geometry.xyxy_px for region in found.regions] == [(3, 2, 30, 9), (1, 1, 9, 9)]
    assert dropped == {
        "masks: their boxes were written, the format has no others": 1,
        "polygons: their boxes were written, the format has no others": 1,
        "points, and masks that mark nothing: the format has boxes alone": 2,
        "boxes no more than a pixel across: the format takes them for none": 1,
    }
    with pytest.raises(UsageError, match="plain picture"):
        voc.write([sample([], volume())], tmp_path / "none", Dropped())


def test_a_real_collection_is_read_as_plain_voc(public_data: Path) -> None:
    found, faults = told(voc.read, public_data / "bccd")
    assert len(found) == 304
    labels = [region.label for one in found for region in one.regions]
    assert {name: labels.count(name) for name in sorted(set(labels))} == {"platelets": 306, "rbc": 3362, "wbc": 311}
    assert codes(faults) == ["box_without_extent"]
