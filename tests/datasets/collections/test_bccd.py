"""BCCD: boxes of blood cells."""

import logging
from collections import Counter
from pathlib import Path

import pytest

from vesalius.datasets.collections import bccd
from vesalius.errors import InputRefused


def test_corners_are_read_as_one_based_and_inclusive(tmp_path, make_bccd):
    field = bccd.fields(make_bccd(tmp_path, {"a": [("WBC", 1, 1, 64, 48)]}))["a"]
    assert [region.geometry.xyxy_px for region in field.regions] == [(0, 0, 64, 48)]
    assert field.shown.image.shape == (48, 64)


def test_a_box_that_cannot_be_is_told_and_the_others_stay(tmp_path, make_bccd):
    boxes = [("WBC", 20, 30, 11, 21), ("RBC", 60, 40, 70, 48), ("RBC", 5, 5, 5, 9), ("RBC", 0, 1, 8, 9), ("RBC", 2, 2, 4, 4)]
    faults = []
    field = bccd.fields(make_bccd(tmp_path, {"a": boxes}), faults.append)["a"]
    assert [region.geometry.xyxy_px for region in field.regions] == [(1, 1, 4, 4)]
    assert [(fault.code, fault.where) for fault in faults] == [
        ("box_inverted", "annotation 1, object 1"),
        ("box_outside", "annotation 1, object 2"),
        ("box_without_extent", "annotation 1, object 3"),
        ("box_outside", "annotation 1, object 4"),
    ]


def test_a_field_is_one_sample_with_all_its_boxes(tmp_path, make_bccd):
    many = [("Platelets", n, 1, n + 3, 4) for n in range(1, 9)]
    (sample,) = bccd.read(make_bccd(tmp_path, {"a": [*many, ("RBC", 1, 1, 9, 9)]}))
    assert (sample.task, sample.turns, sample.labels) == ("annotation", (), {})
    assert Counter(region.label for region in sample.regions) == {"platelet": 8, "red blood cell": 1}


def test_cells_are_asked_for_in_reading_order(tmp_path, make_bccd):
    boxes = [("Platelets", 30, 20, 35, 25), ("Platelets", 40, 1, 45, 5), ("RBC", 1, 1, 9, 9)]
    samples = list(bccd.asked(make_bccd(tmp_path, {"a": boxes})))
    assert [sample.turns[0].text for sample in samples] == ["<image:0> Where are the platelets?"]
    assert samples[0].turns[1].text == "platelet <region:0> <region:1>"
    assert [region.geometry.low for region in samples[0].regions] == [(0, 39), (19, 29)]


def test_more_boxes_than_a_person_lists_are_not_asked_for(tmp_path, make_bccd):
    many = [("Platelets", n, 1, n + 3, 4) for n in range(1, 8)]
    assert list(bccd.asked(make_bccd(tmp_path, {"a": many, "b": []}))) != []
    assert [s.turns[1].text for s in bccd.asked(tmp_path)] == ["none"]


def test_samples_of_one_picture_share_it(tmp_path, make_bccd):
    first, second = bccd.asked(make_bccd(tmp_path, {"a": [("WBC", 1, 1, 9, 9)]}))
    assert first.images[0] is second.images[0]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("<annotation><object>", "record_malformed"),
        ("<annotation><object><name>cat</name></object></annotation>", "label_unknown"),
        ("<annotation><object><name>WBC</name></object></annotation>", "record_malformed"),
        ("<annotation><size><width>9</width><height>9</height></size></annotation>", "box_space"),
    ],
)
def test_a_malformed_annotation_is_told_with_its_row_and_refused_where_nobody_listens(tmp_path, make_bccd, text, code):
    root = make_bccd(tmp_path, {"a": [], "secret": []})
    (root / "BCCD" / "Annotations" / "secret.xml").write_text(text)
    faults = []
    assert "a" in bccd.fields(root, faults.append)
    assert [(fault.code, fault.where.partition(",")[0]) for fault in faults] == [(code, "annotation 2")]
    with pytest.raises(InputRefused) as refused:
        list(bccd.read(root))
    assert "secret" not in str(refused.value.to_json())


def test_an_annotation_without_a_picture_and_a_picture_without_an_annotation(tmp_path, make_bccd, caplog):
    root = make_bccd(tmp_path, {"a": [], "b": [], "c": []})
    (root / "BCCD" / "JPEGImages" / "a.jpg").unlink()
    (root / "BCCD" / "Annotations" / "b.xml").unlink()
    faults = []
    with caplog.at_level(logging.WARNING):
        assert list(bccd.fields(root, faults.append)) == ["c"]
    assert [fault.code for fault in faults] == ["media_missing"]
    assert "without an annotation, left out: 1" in caplog.text


def test_fields_that_overlap_are_one_unit_and_others_are_their_own(tmp_path, make_bccd):
    root = make_bccd(tmp_path, {f"BloodImage_{number:05}": [] for number in (223, 262, 264, 226, 100)})
    keys = {stem: field.provenance.patient_key for stem, field in bccd.fields(root).items()}
    assert keys["BloodImage_00223"] == keys["BloodImage_00262"] == keys["BloodImage_00264"]
    assert len(set(keys.values())) == 3


def test_a_folder_of_another_layout_is_refused(tmp_path):
    assert not bccd.recognizes(tmp_path)
    with pytest.raises(InputRefused, match="BCCD/JPEGImages"):
        list(bccd.read(tmp_path))


def test_the_real_collection_has_the_published_counts(public_data: Path):
    faults = []
    fields = bccd.fields(public_data / "bccd", faults.append)
    cells = Counter(region.label for field in fields.values() for region in field.regions)
    # The README counts 3,363 red cells; one of them has no extent.
    assert len(fields) == 304
    assert cells == {"white blood cell": 311, "red blood cell": 3362, "platelet": 306}
    assert [fault.code for fault in faults] == ["box_without_extent"]
    assert len({field.provenance.patient_key for field in fields.values()}) == 270
    asked = bccd.asked(public_data / "bccd", faults.append)
    assert Counter(len(sample.regions) > 0 for sample in asked) == {True: 298 + 175, False: 129}
