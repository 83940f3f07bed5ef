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


def test_crossed_corners_are_put_right_and_boxes_clipped_or_dropped_with_a_count(tmp_path, make_bccd, caplog):
    boxes = [("WBC", 20, 30, 11, 21), ("RBC", 60, 40, 70, 50), ("RBC", 5, 5, 5, 9), ("RBC", 70, 1, 80, 9)]
    with caplog.at_level(logging.WARNING):
        field = bccd.fields(make_bccd(tmp_path, {"a": boxes}))["a"]
    assert [region.geometry.xyxy_px for region in field.regions] == [(10, 20, 20, 30), (59, 39, 64, 48)]
    assert "crossed corners, put right: 1" in caplog.text
    assert "without extent, dropped: 1" in caplog.text
    assert "outside the picture, dropped: 1" in caplog.text


def test_cells_are_asked_for_in_reading_order(tmp_path, make_bccd):
    boxes = [("Platelets", 30, 20, 35, 25), ("Platelets", 40, 1, 45, 5), ("RBC", 1, 1, 9, 9)]
    samples = list(bccd.read(make_bccd(tmp_path, {"a": boxes})))
    assert [sample.turns[0].text for sample in samples] == ["<image:0> Where are the platelets?"]
    assert samples[0].turns[1].text == "platelet <region:0> <region:1>"
    assert [region.geometry.low for region in samples[0].regions] == [(0, 39), (19, 29)]


def test_more_boxes_than_a_person_lists_are_not_asked_for(tmp_path, make_bccd):
    many = [("Platelets", n, 1, n + 3, 4) for n in range(1, 8)]
    assert list(bccd.read(make_bccd(tmp_path, {"a": many, "b": []}))) != []
    assert [s.turns[1].text for s in bccd.read(tmp_path)] == ["none"]


def test_samples_of_one_picture_share_it(tmp_path, make_bccd):
    first, second = bccd.read(make_bccd(tmp_path, {"a": [("WBC", 1, 1, 9, 9)]}))
    assert first.images[0] is second.images[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<annotation><object>", "not well-formed"),
        ("<annotation><object><name>cat</name></object></annotation>", "name is none of"),
        ("<annotation><object><name>WBC</name></object></annotation>", "not four numbers"),
        ("<annotation><size><width>9</width><height>9</height></size></annotation>", "another size"),
    ],
)
def test_a_malformed_annotation_is_refused_with_its_row(tmp_path, make_bccd, text, told):
    root = make_bccd(tmp_path, {"a": [], "secret": []})
    (root / "BCCD" / "Annotations" / "secret.xml").write_text(text)
    with pytest.raises(InputRefused) as refused:
        list(bccd.read(root))
    assert [problem.key for problem in refused.value.problems] == ["annotation 2"]
    assert told in refused.value.problems[0].message
    assert "secret" not in str(refused.value.to_json())


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
    fields = bccd.fields(public_data / "bccd")
    cells = Counter(region.label for field in fields.values() for region in field.regions)
    # The README counts 3,363 red cells; one of them has no extent.
    assert len(fields) == 304
    assert cells == {"white blood cell": 311, "red blood cell": 3362, "platelet": 306}
    assert len({field.provenance.patient_key for field in fields.values()}) == 270
    assert Counter(len(sample.regions) > 0 for sample in bccd.read(public_data / "bccd")) == {True: 298 + 175, False: 129}
