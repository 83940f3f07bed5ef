"""pocus_atlas: cases with signs that were taken from texts."""

import csv
from collections import Counter
from pathlib import Path

from tests.datasets.collections.made import Told

from vesalius.datasets.collections import pocus_atlas

COLUMNS = ["file_name", "id", "title", "body", "case_page_url", pocus_atlas.SLIDING, pocus_atlas.MORPHOLOGY]
COLUMNS += ["sign_extra::Spine sign", "interp_extra::Lung sliding (any)", "pathology", "pathology_extra", "excluded"]
ROW = {"file_name": "unified_mp4/0001_a.mp4", "id": "0001_a", "title": "Effusion", "body": "A spine sign."}
ROW |= {"sign_extra::Spine sign": "True", "interp_extra::Lung sliding (any)": "True", "pathology": "unspecified"}


def write(root: Path, *rows: dict[str, str]) -> Path:
    with (root / "metadata.csv").open("w", newline="") as lines:
        table = csv.DictWriter(lines, COLUMNS, restval="")
        table.writeheader()
        table.writerows(ROW | row for row in rows)
    return root


def test_what_a_text_does_not_mention_is_not_absent(tmp_path):
    told = {"sign_extra::Spine sign": "False", pocus_atlas.SLIDING: "absent", "pathology": "Normal"}
    first, second = pocus_atlas.read(write(tmp_path, {}, {"id": "0002_b"} | told), text_alone=True)
    assert first.labels == {"spine sign": "present"}
    assert second.labels == {"spine sign": "not_mentioned", "lung sliding": "absent", "normal lung": "present"}
    assert (first.report.findings, first.images) == ("Effusion\nA spine sign.", ())


def test_a_case_that_is_a_copy_of_another_has_its_key(tmp_path):
    rows = [{}, {"id": "0002_b", "excluded": "colorized duplicate of 0001 (identical video)"}, {"id": "0003_c"}]
    keys = [sample.provenance.patient_key for sample in pocus_atlas.read(write(tmp_path, *rows), text_alone=True)]
    assert (keys[0] == keys[1], len(set(keys))) == (True, 2)


def test_without_leave_to_miss_them_missing_clips_are_told_and_so_is_what_cannot_be_used(tmp_path):
    told = Told()
    assert list(pocus_atlas.read(write(tmp_path, {}), told.append)) == []
    assert told.codes == ["media_missing"]
    told.clear()
    rows = [{"id": " "}, {"body": "<region:0>"}]
    (sample,) = pocus_atlas.read(write(tmp_path, *rows), told.append, text_alone=True)
    assert (told.codes, sample.report) == (["record_malformed", "special_token"], None)


def test_the_real_folder_has_the_published_counts(public_data: Path):
    told = Told()
    samples = list(pocus_atlas.read(public_data / "pocus_atlas_bench", told.append, text_alone=True))
    assert (len(samples), told) == (150, [])
    assert sum("excluded" in sample.provenance.annotation for sample in samples) == 25
    assert Counter(state for sample in samples for state in sample.labels.values())["absent"] == 6
