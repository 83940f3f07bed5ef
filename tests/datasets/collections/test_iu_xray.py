"""iu_xray: reports of chest radiographs."""

import json
from collections import Counter
from pathlib import Path

import pytest
from tests.datasets.collections.made import Told
from tests.datasets.conftest import picture

from vesalius.datasets.collections import iu_xray
from vesalius.errors import InputRefused

NAMES = ["CXR7_IM-2263-1001.png", "CXR7_IM-2263-2001.png"]


def write(root: Path, **parts: list[object]) -> Path:
    (root / "annotation.json").write_text(json.dumps(parts))
    return root


def record(number: str = "7", report: str = "Clear lungs.", names: list[str] = NAMES) -> dict[str, object]:
    return {"id": number, "report": report, "image_path": names}


def test_a_report_has_both_its_pictures(tmp_path):
    for shade, name in enumerate(NAMES):
        picture(tmp_path / "images" / name, 32, 24, shade)
    (sample,) = iu_xray.read(write(tmp_path, train=[record()], val=[], test=[]))
    assert (sample.report.findings, sample.turns, sample.provenance.split) == ("Clear lungs.", (), "train")
    assert [shown.image.modality for shown in sample.images] == ["XR", "XR"]


def test_the_layout_of_r2gen_with_a_folder_for_each_study_is_read_too(tmp_path):
    picture(tmp_path / "images" / "CXR7_IM-2263" / "0.png", 32, 24, 1)
    (sample,) = iu_xray.read(write(tmp_path, train=[], test=[record("CXR7_IM-2263", names=["CXR7_IM-2263/0.png"])]))
    assert (len(sample.images), sample.provenance.split) == (1, "test")
    (alone,) = iu_xray.read(write(tmp_path, val=[record()]), text_alone=True)
    assert alone.provenance.patient_key == sample.provenance.patient_key  # the number, whatever the record is called


def test_what_cannot_be_used_is_told_with_its_place(tmp_path):
    bad = [record(report=" "), {"id": "9"}, "text", record(report="<image:0>"), record("1")]
    told = Told()
    assert list(iu_xray.read(write(tmp_path, train=[record("2"), *bad]), told.append)) == []
    assert told.codes[1:] == ["answer_missing", "record_malformed", "record_malformed", "special_token", "media_missing"]
    assert (told[0].code, told[0].where) == ("media_missing", "record 1 of train")
    assert len(list(iu_xray.read(tmp_path, told.append, text_alone=True))) == 2


def test_reports_of_other_pictures_and_a_broken_file_are_refused(tmp_path):
    assert not iu_xray.recognizes(write(tmp_path, train=[record(names=["p10/s1/0.jpg"])]))
    write(tmp_path, train=[record()], val={"a": 1})  # type: ignore[arg-type]
    with pytest.raises(InputRefused):
        list(iu_xray.read(tmp_path, text_alone=True))


def test_the_real_folder_has_the_published_counts(public_data: Path):
    told = Told()
    samples = list(iu_xray.read(public_data / "iu_xray_reports", told.append, text_alone=True))
    assert Counter(sample.provenance.split for sample in samples) == {"train": 3062, "validation": 382}
    assert len({sample.provenance.patient_key for sample in samples}) == 3444
    assert told == []
