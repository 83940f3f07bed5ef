"""covid_ct: slices of chest CT with captions."""

from collections import Counter
from pathlib import Path

import pytest
from tests.datasets.collections.made import Told
from tests.datasets.collections.test_sheet import inline
from tests.datasets.collections.test_sheet import write as write_sheet
from tests.datasets.conftest import picture

from vesalius.datasets.collections import covid_ct
from vesalius.errors import InputRefused

COLUMNS = ("File name", "Patient ID", "Age", "Gender", "Time", "Captions")


def write(root: Path, *rows: tuple[str, ...], pictures: tuple[str, ...] = ("a.png", "b.png")) -> Path:
    cells = ["".join(inline(cell) for cell in row) for row in (COLUMNS, *rows)]
    write_sheet(root / covid_ct.SHEET, "".join(f"<row r='{number}'>{row}</row>" for number, row in enumerate(cells, start=1)))
    for shade, name in enumerate(pictures):
        picture(root / "CT_COVID" / name, 32, 24, shade)
    for shade, name in enumerate(("6%2.jpg", "6%3.jpg", "60.jpg")):
        picture(root / "CT_NonCOVID" / name, 32, 24, 9 + shade)
    return root


def test_slices_have_their_class_their_caption_and_their_patient(tmp_path):
    captions = "['Figure 1. Consolidation.', 'Panel b.']"
    rows = [
        ("a.png", "Patient 1", "41", "M", "day 6 after the onset of illness", captions),
        ("b", "Patient 1", "41", "M", "7", ""),
    ]
    samples = list(covid_ct.read(write(tmp_path, *rows)))
    first, second = samples[:2]
    assert first.report.findings == "Figure 1. Consolidation. Panel b."
    assert (first.images[0].image.day, first.provenance.age_years, first.provenance.sex) == (6.0, 41.0, "M")
    assert (second.report, second.images[0].image.day) == (None, None)  # found without its ".png"; 7 of what is not said
    assert first.provenance.patient_key == second.provenance.patient_key
    assert Counter(sample.labels["covid-19"] for sample in samples) == {"present": 2, "absent": 3}
    assert len({sample.provenance.patient_key for sample in samples[2:]}) == 2  # 6%2 and 6%3 are one case


def test_a_patient_under_two_numbers_is_one(tmp_path):
    rows = [("a.png", "Patient 154", "", "", "", ""), ("b.png", "Patient 163", "", "", "", "")]
    first, second = list(covid_ct.read(write(tmp_path, *rows)))[:2]
    assert first.provenance.patient_key == second.provenance.patient_key


def test_published_lists_become_splits(tmp_path):
    write(tmp_path, ("a.png", "Patient 1", "", "", "", ""))
    (tmp_path / "trainCT_COVID.txt").write_text("a.png\n")
    (tmp_path / "testCT_NonCOVID.txt").write_text("60.jpg\n")
    splits = Counter(sample.provenance.split for sample in covid_ct.read(tmp_path))
    assert splits == {"train": 1, "test": 1, None: 3}


def test_rows_that_contradict_or_lead_nowhere_are_told(tmp_path):
    rows = [("a.png", "1", "41", "M", "", ""), ("b.png", "1", "50", "M", "", ""), ("c.png", "2", "", "", "", "")]
    rows += [("", "3", "", "", "", ""), ("a.png", "4", "", "", "", "")]
    told = Told()
    assert len(list(covid_ct.read(write(tmp_path, *rows), told.append))) == 5
    assert [(fault.code, fault.where) for fault in told] == [
        ("annotation_conflict", "row 3 of the sheet"),
        ("record_malformed", "row 5 of the sheet"),
        ("record_malformed", "row 6 of the sheet"),
        ("media_missing", "row 4 of the sheet"),
    ]


def test_a_damaged_slice_and_our_own_text_in_a_caption_are_told(tmp_path):
    write(tmp_path, ("a.png", "1", "", "", "", "see &lt;image:0&gt;"))
    (tmp_path / "CT_COVID" / "b.png").write_bytes(b"no picture")
    told = Told()
    samples = list(covid_ct.read(tmp_path, told.append))
    assert (len(samples), samples[0].report, sorted(told.codes)) == (4, None, ["media_unreadable", "special_token"])


def test_without_the_sheet_every_slice_is_a_unit_and_a_broken_one_is_refused(tmp_path):
    write(tmp_path)
    (tmp_path / covid_ct.SHEET).unlink()
    assert len({sample.provenance.patient_key for sample in covid_ct.read(tmp_path)}) == 4
    (tmp_path / covid_ct.SHEET).write_bytes(b"no sheet")
    with pytest.raises(InputRefused):
        list(covid_ct.read(tmp_path))


def test_the_real_folder_has_the_published_counts(public_data: Path):
    told = Told()
    samples = list(covid_ct.read(public_data / "covid_ct", told.append))
    ill = [sample for sample in samples if sample.labels["covid-19"] == "present"]
    assert (len(ill), len(samples) - len(ill)) == (278, 110)
    assert len({sample.provenance.patient_key for sample in ill}) == 178  # of 181; three stand under two numbers
    assert sum(sample.report is not None for sample in samples) == 265
    assert told.codes == ["annotation_conflict"] * 2  # one patient of the sheet is three people
