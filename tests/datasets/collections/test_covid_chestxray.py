"""covid_chestxray: radiographs with visits, notes, lung boxes and scores."""

import json
import logging
from collections import Counter
from pathlib import Path

import pytest

from vesalius.datasets.collections import covid_chestxray
from vesalius.errors import InputRefused


def row(name: str, patient: str = "p1", **cells: str) -> dict[str, str]:
    return {"filename": name, "patientid": patient, "modality": "X-ray", "view": "PA", "folder": "images", **cells}


def test_a_folder_with_only_table_and_pictures_is_read(tmp_path, make_covid):
    rows = [row("a.png", offset="3", age="70", sex="F", license="CC BY 4.0", finding="COVID-19, ARDS", clinical_notes="Clear.")]
    (sample,) = covid_chestxray.read(make_covid(tmp_path / "covid_chestxray", rows))
    assert (sample.task, sample.turns[1].text, sample.report.findings) == ("report", "Clear.", "Clear.")
    image, about = sample.images[0].image, sample.provenance
    assert (image.modality, image.view, image.day, image.spacing_mm, image.shape) == ("XR", "PA", 3.0, None, (30, 40))
    assert (about.licence, about.age_years, about.sex) == ("CC BY 4.0", 70.0, "F")
    assert sample.labels == {"covid-19": "present", "ards": "present"}


def test_boxes_in_original_pixels_are_carried_to_the_pictures_own(tmp_path, make_covid, write_lungs):
    root = make_covid(tmp_path / "c", [row("a.png")])
    write_lungs(
        root / "annotations" / "annotations.json", {"a.png": {1: [8, 12, 20, 40], 2: [100, 12, 99, 999]}}, width=160, height=120
    )
    right, left = covid_chestxray.read(root)
    assert right.turns[0].text == "<image:0> Where is the right lung?"
    assert right.turns[1].text == "right lung <region:0>"
    assert right.regions[0].geometry.xyxy_px == (2, 3, 7, 13)
    assert left.regions[0].geometry.xyxy_px == (25, 3, 40, 30)  # clipped to the picture


def test_resized_boxes_are_preferred(tmp_path, make_covid, write_lungs):
    root = make_covid(tmp_path / "c", [row("a.png")])
    write_lungs(root / "annotations" / "annotations.json", {"a.png": {1: [8, 12, 20, 40]}}, width=160, height=120)
    write_lungs(root / "annotations" / "annotations_resized.json", {"a.png": {1: [1, 1, 5, 5]}}, width=40, height=30)
    (right,) = covid_chestxray.read(root)
    assert right.regions[0].geometry.xyxy_px == (1, 1, 6, 6)


def test_boxes_without_a_lung_and_boxes_on_a_cropped_picture_are_dropped_with_a_count(tmp_path, make_covid, write_lungs, caplog):
    root = make_covid(tmp_path / "c", [row("a.png", clinical_notes="Clear.")])
    boxes = {"a.png": {None: [1, 1, 5, 5], 2: [1, 1, 5, 5]}}
    write_lungs(root / "annotations" / "annotations.json", boxes, width=90, height=30)
    with caplog.at_level(logging.WARNING):
        assert [sample.task for sample in covid_chestxray.read(root)] == ["report"]
    assert "as category, dropped: 1" in caplog.text
    assert "another shape, dropped: 1" in caplog.text


def test_visits_of_a_patient_share_the_patient_and_pictures_of_a_day_the_study(tmp_path, make_covid):
    days = {"a.png": "0", "b.png": "0", "c.png": "4", "d.png": "", "e.png": ""}
    rows = [row(name, offset=day, clinical_notes="Clear.") for name, day in days.items()]
    samples = list(covid_chestxray.read(make_covid(tmp_path / "c", rows)))
    assert len({sample.provenance.patient_key for sample in samples}) == 1
    a, b, c, d, e = (sample.provenance.study_key for sample in samples)
    assert a == b
    assert len({a, c, d, e}) == 4


def test_the_same_patient_under_two_numbers_is_one_patient(tmp_path, make_covid):
    rows = [row("a.png", "78"), row("b.png", "201"), row("c.png", "79")]
    a, b, c = covid_chestxray.pictures(make_covid(tmp_path / "c", rows)).values()
    assert a.provenance.patient_key == b.provenance.patient_key != c.provenance.patient_key


def test_rows_without_a_picture_and_repeated_rows_are_skipped_with_a_count(tmp_path, make_covid, caplog):
    rows = [row("a.png"), row("gone.png"), row("a.png")]
    root = make_covid(tmp_path / "c", rows, absent=("gone.png",))
    with caplog.at_level(logging.WARNING):
        assert list(covid_chestxray.pictures(root)) == ["a.png"]
    assert "without a picture here, skipped: 1" in caplog.text
    assert "repeat a picture of the same patient, skipped: 1" in caplog.text


def test_every_bad_row_is_listed_without_its_content(tmp_path, make_covid):
    rows = [row("a.png"), row("../secret.png"), row("b.png", ""), row("a.png", "another"), row("c.png")]
    root = make_covid(tmp_path / "c", rows)
    (root / "images" / "c.png").write_bytes(b"not a picture")
    with pytest.raises(InputRefused) as refused:
        list(covid_chestxray.read(root))
    assert refused.value.code == "bad_dataset"
    assert [problem.key for problem in refused.value.problems] == [f"metadata.csv row {n}" for n in (3, 4, 5, 6)]
    assert "secret" not in str(refused.value.to_json())


@pytest.mark.parametrize("content", [b"\xff\xfe", b"\0"], ids=["not UTF-8", "a zero byte"])
def test_a_table_that_is_not_text_is_refused(tmp_path, make_covid, content):
    root = make_covid(tmp_path / "c", [row("a.png")])
    with (root / "metadata.csv").open("ab") as table:
        table.write(b"1,," + content + b"\n")
    with pytest.raises(InputRefused) as refused:
        list(covid_chestxray.read(root))
    assert refused.value.code == "bad_dataset"


@pytest.mark.parametrize("text", ["{", "[]", '{"images": []}', '{"images": [{}], "annotations": [], "categories": []}'])
def test_a_foreign_annotation_file_is_refused(tmp_path, make_covid, text):
    root = make_covid(tmp_path / "c", [row("a.png")])
    (root / "annotations").mkdir()
    (root / "annotations" / "annotations.json").write_text(text)
    with pytest.raises(InputRefused) as refused:
        list(covid_chestxray.read(root))
    assert refused.value.problems[0].key == "lung boxes"


def test_scores_become_measurements_and_impossible_ones_are_refused(tmp_path, make_covid):
    root = make_covid(tmp_path / "c", [row("a.png", clinical_notes="Clear.")])
    (root / "annotations").mkdir()
    table = root / "annotations" / "covid-severity-scores.csv"
    table.write_text("## comment, with a comma\nfilename,geographic_mean,opacity_mean\na.png,2.7,1.0\n")
    (sample,) = covid_chestxray.read(root)
    assert [(m.name, m.value, m.unit) for m in sample.measurements] == [("geographic extent", 2.7, "1"), ("opacity", 1.0, "1")]
    table.write_text("filename,geographic_mean,opacity_mean\na.png,9,1.0\n")
    with pytest.raises(InputRefused):
        list(covid_chestxray.read(root))


def test_a_note_that_looks_like_our_own_text_is_left_out(tmp_path, make_covid):
    rows = [row("a.png", clinical_notes="Look at <region:0>."), row("b.png", clinical_notes="Clear.")]
    assert [s.turns[1].text for s in covid_chestxray.read(make_covid(tmp_path / "c", rows))] == ["Clear."]


def test_the_real_collection_has_the_published_counts(public_data: Path):
    pictures = covid_chestxray.pictures(public_data / "covid_chestxray")
    assert Counter(picture.shown.image.modality for picture in pictures.values()) == {"XR": 490, "CT": 18}
    # 289 published patients (280 without the letters that tell several people of one paper apart); four stand twice.
    assert len({picture.provenance.patient_key for picture in pictures.values()}) == 285
    assert sum(bool(picture.note) for picture in pictures.values()) == 411
    assert sum(bool(picture.measurements) for picture in pictures.values()) == 75
    assert sum(len(picture.lungs) for picture in pictures.values()) == 957


def test_both_real_annotation_files_place_a_lung_within_a_pixel(public_data: Path, tmp_path: Path):
    real = public_data / "covid_chestxray"
    (tmp_path / "annotations").mkdir()
    (tmp_path / "images").symlink_to(real / "images")
    (tmp_path / "metadata.csv").symlink_to(real / "metadata.csv")
    (tmp_path / "annotations" / "annotations.json").symlink_to(real / "annotations" / "annotations.json")
    resized, scaled = covid_chestxray.pictures(real), covid_chestxray.pictures(tmp_path)
    corners = [
        (a, b)
        for name in resized
        for one, other in zip(resized[name].lungs, scaled[name].lungs, strict=True)
        for a, b in zip(one.geometry.xyxy_px, other.geometry.xyxy_px, strict=True)
    ]
    assert len(corners) == 957 * 4
    assert max(abs(a - b) for a, b in corners) < 1
    assert len(json.loads((real / "annotations" / "annotations.json").read_text())["images"]) == 479
