"""pocus: clips and pictures of lung ultrasound."""

import csv
from collections import Counter
from pathlib import Path

import pytest
from tests.datasets.collections.made import Told
from tests.datasets.conftest import picture

from vesalius.datasets.collections import pocus

COLUMNS = ["Filename", "Label", "License", "Comments from web site", "MD2", "Length (frames)", "Gender", "Age"]
COLUMNS += ["Patient ID / Name", *pocus.SIGNS, "Fever"]
ROW = {"Filename": "Cov_a", "Label": "COVID-19", "License": "CC BY 4.0", "Length (frames)": "1", "Gender": "w", "Age": "54"}


def write(root: Path, *rows: dict[str, str]) -> Path:
    with (root / "dataset_metadata.csv").open("w", newline="") as lines:
        table = csv.DictWriter(lines, COLUMNS, restval="")
        table.writeheader()
        table.writerows(ROW | row for row in rows)
    for shade, row in enumerate(rows):
        picture(root / "pocus_images" / "convex" / f"{(ROW | row)['Filename']}.jpg", 32, 24, shade)
    return root


def test_signs_that_were_not_looked_at_are_no_labels(tmp_path):
    signs = {"Effusion": "1", "B-lines": "0", "Consolidations": "", "Fever": "1"}
    texts = {"Comments from web site": "Effusion", "MD2": "n/a", "Patient ID / Name": "7"}
    (sample,) = pocus.read(write(tmp_path, signs | texts))
    assert sample.labels == {"covid-19": "present", "pleural effusion": "present", "b-lines": "absent"}
    assert (sample.report.findings, sample.provenance.licence) == ("Effusion", "CC BY 4.0")
    assert (sample.provenance.age_years, sample.provenance.sex) == (54.0, "F")
    assert sample.images[0].image.modality == "US"


def test_clips_of_one_patient_share_the_key_and_others_have_their_own(tmp_path):
    patients = {"a": "7", "b": "7", "c": "", "d": "n/A"}
    rows = [{"Filename": f"Cov_{name}", "Patient ID / Name": patient} for name, patient in patients.items()]
    keys = [sample.provenance.patient_key for sample in pocus.read(write(tmp_path, *rows))]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


@pytest.mark.parametrize(
    ("row", "code", "left"),
    [
        ({"Label": "regular"}, "annotation_conflict", 1),
        ({"Length (frames)": "9"}, "annotation_conflict", 1),
        ({"Filename": "Reg_a", "Label": "regular", "B-lines": "1"}, "annotation_conflict", 1),
        ({"Label": "cold"}, "label_unknown", 0),
        ({"MD2": "see <image:0>"}, "special_token", 1),
    ],
)
def test_what_contradicts_or_cannot_be_used_is_told(tmp_path, row, code, left):
    told = Told()
    assert len(list(pocus.read(write(tmp_path, row), told.append))) == left
    assert [(fault.code, fault.where) for fault in told] == [(code, "line 2")]


def test_a_healthy_lung_may_show_a_lines(tmp_path):
    told = Told()
    (sample,) = pocus.read(write(tmp_path, {"Filename": "Reg_a", "Label": "regular", "A-lines": "1"}), told.append)
    assert told == []
    assert sample.labels == {"healthy lung": "present", "a-lines": "present"}


def test_a_row_without_its_file_is_told(tmp_path):
    write(tmp_path, {}, {"Filename": "Cov_b"})
    (tmp_path / "pocus_images" / "convex" / "Cov_b.jpg").write_bytes(b"no picture")
    (tmp_path / "pocus_images" / "convex" / "Cov_a.jpg").unlink()
    told = Told()
    assert list(pocus.read(tmp_path, told.append)) == []
    assert told.codes == ["media_missing", "media_unreadable"]


def test_the_real_folder_has_the_published_counts(public_data: Path):
    told = Told()
    samples = list(pocus.read(public_data / "pocus_ultrasound", told.append))
    assert (len(samples), told.codes) == (49, ["annotation_conflict"] * 3)  # healthy lungs with a sign of illness
    assert Counter(sample.images[0].image.kind for sample in samples) == {"clip": 28, "image": 21}
    assert sum(label == "present" for sample in samples for label in sample.labels.values()) > 49
