"""Collections that are published elsewhere, read from small folders of their shape: see `elsewhere.py`."""

import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.datasets.collections import elsewhere
from tests.datasets.collections.elsewhere import ALL

from vesalius.datasets.collections import mmmu, vqa_rad
from vesalius.datasets.faults import Fault
from vesalius.datasets.sources import RecordRefused
from vesalius.errors import InputRefused
from vesalius.types import Sample
from vesalius.workflows.data import formats


def read(name: str, root: Path, **given: Any) -> tuple[list[Sample], list[Fault]]:
    reader, build, *_ = ALL[name]
    if not any(root.iterdir()):
        build(root)
    faults: list[Fault] = []
    return list(reader.read(root, faults.append, **given)), faults  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ALL)
def test_every_record_becomes_a_sample_or_a_fault(name: str, tmp_path: Path) -> None:
    samples, faults = read(name, tmp_path)
    _, _, number, codes = ALL[name]
    assert (len(samples), [fault.code for fault in faults]) == (number, codes)
    assert len({sample.key for sample in samples}) == number
    assert all(fault.where and "/" not in fault.message for fault in faults)
    for sample in samples:
        assert sample.provenance.source == name
        assert (sample.task == "annotation") == (not sample.turns)
        for shown in sample.images:
            assert shown.image.load().shape[: len(shown.image.shape)] == shown.image.shape


@pytest.mark.parametrize("name", ALL)
def test_it_is_recognized_as_itself_and_as_no_other_collection(name: str, tmp_path: Path) -> None:
    ALL[name][1](tmp_path)
    found, module = formats.reader(tmp_path, None)
    assert (found, module) == (name, ALL[name][0])


@pytest.mark.parametrize("name", ALL)
def test_garbage_is_not_recognized_and_refused(name: str, tmp_path: Path) -> None:
    reader: Any = ALL[name][0]
    (tmp_path / "a.json").write_text("7")
    (tmp_path / "b.json").write_bytes(b"\xff\x00[{")
    (tmp_path / "c.csv").write_bytes(b"\x00\xff")
    (tmp_path / "d.jsonl").write_text("[]\n")
    (tmp_path / "e.xml").write_text("<eCitation")
    (tmp_path / "train.json").mkdir()
    assert not reader.recognizes(tmp_path)
    assert not reader.recognizes(tmp_path / "nothing")
    with pytest.raises(InputRefused) as refused:
        list(reader.read(tmp_path))
    assert refused.value.code == "bad_dataset"


@pytest.mark.parametrize(
    "name", [name for name, (reader, *_) in ALL.items() if "text_alone" in inspect.signature(reader.read).parameters]
)  # type: ignore[attr-defined]
def test_without_its_pictures_every_record_is_a_fault_unless_texts_alone_are_asked_for(name: str, tmp_path: Path) -> None:
    ALL[name][1](tmp_path)
    if name in ("path_vqa", "mmmu"):  # their pictures lie inside
        assert not any(sample.images for sample in read(name, tmp_path, text_alone=True)[0])
        return
    for place in [place for end in ("jpg", "jpeg", "png", "nii.gz") for place in tmp_path.rglob(f"*.{end}")]:
        place.unlink()
    samples, faults = read(name, tmp_path)
    assert len(samples) == (name == "medxpertqa")  # one of its questions has no picture
    assert "media_missing" in {fault.code for fault in faults}
    alone, _ = read(name, tmp_path, text_alone=True)
    assert len(alone) >= 2
    assert not any(sample.images for sample in alone)


def by_key(samples: list[Sample], part: str) -> Sample:
    (found,) = [sample for sample in samples if any(part in turn.text for turn in sample.turns)]
    return found


def test_the_published_split_of_vqa_rad_is_read_as_it_is_though_it_parts_no_patients(tmp_path: Path) -> None:
    samples, _ = read("vqa_rad", tmp_path)
    yes, three, left = samples
    assert (yes.provenance.split, three.provenance.split) == ("train", "test")
    assert yes.provenance.patient_key == three.provenance.patient_key != left.provenance.patient_key
    assert (three.task, three.turns[-1].text) == ("count", "3")
    assert yes.images[0].image is three.images[0].image


def test_vqa_rad_is_read_out_of_parquet_where_it_is_named(tmp_path: Path) -> None:
    elsewhere.a_vqa_rad_of_parquet(tmp_path)
    assert not vqa_rad.recognizes(tmp_path)
    *_, test, train, _ = vqa_rad.read(tmp_path)
    assert (train.task, test.task, test.turns[1].text) == ("closed", "open", "liver")
    assert (train.provenance.split, test.provenance.split) == ("train", "test")
    assert train.provenance.patient_key != test.provenance.patient_key
    assert len({sample.key for sample in vqa_rad.read(tmp_path, text_alone=True)}) == 4


CHOSEN = [name for name, (reader, *_) in ALL.items() if "splits" in inspect.signature(reader.read).parameters]  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", CHOSEN)
def test_of_other_splits_than_the_chosen_ones_not_even_the_pictures_are_looked_for(name: str, tmp_path: Path) -> None:
    every, _ = read(name, tmp_path)
    splits = {sample.provenance.split for sample in every} - {None}
    for split in splits:
        chosen, _ = read(name, tmp_path, splits=(split,))
        assert {sample.key for sample in chosen} == {s.key for s in every if s.provenance.split in (split, None)}
    for place in [*tmp_path.rglob("*.jpg"), *tmp_path.rglob("*.png")]:
        place.unlink()
    for nobody in {"train", "validation", "test"} - splits:
        codes = [fault.code for fault in read(name, tmp_path, splits=(nobody,))[1]]
        assert codes.count("media_missing") == (name == "mimic_cxr")  # one of its studies is in no split


def test_both_versions_of_pmc_vqa_give_the_text_of_the_right_choice(tmp_path: Path) -> None:
    second, first = sorted(read("pmc_vqa", tmp_path)[0], key=lambda sample: str(sample.provenance.split))
    assert (first.turns[1].text, second.turns[1].text) == ("choice B", "choice D")
    assert first.options == ("choice A", "choice B", "choice C", "choice D")
    assert (first.provenance.split, second.provenance.split) == ("train", "test")
    assert first.turns[0].text == "<image:0> What?"


def test_omnimedvqa_knows_the_modality_under_both_of_its_names(tmp_path: Path) -> None:
    samples, _ = read("omnimedvqa", tmp_path)
    assert [sample.images[0].image.modality for sample in samples] == ["OP", "CT"]
    assert samples[0].task == "disease diagnosis"


def test_options_of_medqa_stand_in_the_order_of_their_letters(tmp_path: Path) -> None:
    samples, _ = read("medqa", tmp_path)
    assert {sample.options for sample in samples} == {("Rest", "Run")}
    assert {sample.provenance.split for sample in samples} == {"train", "test"}
    assert {sample.provenance.site for sample in samples} == {"US"}


def test_what_was_asked_before_in_a_structured_report_is_told_and_not_learnt(tmp_path: Path) -> None:
    samples, _ = read("rad_restruct", tmp_path)
    second = next(sample for sample in samples if sample.task == "multiple choice")
    assert [turn.text for turn in second.turns] == [
        "<image:0> Signs in the lung?",
        "yes",
        "What degree? Choose all that apply: mild, severe, no selection.",
        "mild, severe",
    ]
    assert [turn.spans for turn in second.turns] == [None, (), None, None]
    assert second.options == ()
    assert next(sample for sample in samples if sample.task == "yes or no").options == ("yes", "no")
    of_one = {sample.provenance.patient_key for sample in samples if sample.provenance.split == "train"}
    assert len(of_one) == 1


def test_a_question_about_a_difference_shows_the_earlier_picture_as_prior(tmp_path: Path) -> None:
    difference, presence = read("mimic_diff_vqa", tmp_path)[0]
    assert [shown.role for shown in difference.images] == ["current", "prior"]
    assert difference.turns[0].text == "<image:0> <image:1> What has changed?"
    assert [shown.role for shown in presence.images] == ["current"]
    assert presence.provenance.split == "validation"


def test_mesh_terms_of_people_are_labels_and_those_of_a_program_are_not(tmp_path: Path) -> None:
    normal, effusion = read("openi", tmp_path)[0]
    assert normal.report is not None
    assert (normal.report.findings, normal.report.impression) == ("Clear lungs.", "Normal.")
    assert (dict(normal.labels), dict(effusion.labels)) == ({"normal": "present"}, {"pleural effusion/right": "present"})


def test_visits_views_sections_and_labels_of_mimic_cxr(tmp_path: Path) -> None:
    first, second = read("mimic_cxr", tmp_path)[0]
    assert [(shown.image.view, shown.image.day) for shown in first.images] == [("PA", 0.0), ("LATERAL", 0.0)]
    assert [(shown.image.view, shown.image.day) for shown in second.images] == [("AP", 10.0)]
    assert first.report is not None
    assert (first.report.findings, first.report.impression) == ("Lungs are clear.", "No change.")
    assert second.report is not None
    assert second.report.findings == "Effusion on the left."
    assert dict(first.labels) == {"edema": "present", "pneumonia": "not_mentioned", "fracture": "uncertain"}
    assert {sample.provenance.split for sample in (first, second)} == {"validation"}
    assert first.provenance.patient_key == second.provenance.patient_key
    assert first.provenance.study_key != second.provenance.study_key


def test_both_versions_of_roco_are_read_with_their_splits(tmp_path: Path) -> None:
    second, first = read("roco", tmp_path)[0]
    assert dict(second.labels) == {"C0040405": "present", "C0577559": "present"}
    assert first.report is not None
    assert (first.report.findings, first.provenance.split) == ("Chest radiograph.", "validation")


def test_pictures_inside_of_path_vqa_are_told_apart_by_their_bytes(tmp_path: Path) -> None:
    samples, _ = read("path_vqa", tmp_path)
    assert len({sample.provenance.patient_key for sample in samples}) == 3
    assert [sample.task for sample in samples[:2]] == ["closed", "open"]
    assert sorted({str(sample.provenance.split) for sample in samples}) == ["test", "train", "validation"]


def test_a_question_of_medxpertqa_does_not_say_its_options_twice(tmp_path: Path) -> None:
    samples, _ = read("medxpertqa", tmp_path)
    text = next(sample for sample in samples if not sample.images)
    dev, test = (sample for sample in samples if sample.images)
    assert test.turns[0].text == "<image:0> <image:1> A child with a rash. What next?"
    assert (test.options, test.turns[1].text, text.turns[1].text) == (("Rest", "Run"), "Run", "Rest")
    assert (dev.provenance.split, test.provenance.split, text.provenance.split) == ("train", "test", "test")
    assert (test.task, test.provenance.site, test.provenance.annotation) == ("treatment", "skin", "MM, reasoning")


def test_pictures_of_mmmu_are_named_in_its_questions_and_options_by_their_number(tmp_path: Path) -> None:
    samples, _ = read("mmmu", tmp_path)
    choice = next(s for s in samples if s.provenance.site == "Pharmacy" and s.provenance.split == "validation")
    assert choice.turns[0].text == "<image:0> <image:1> Which is picture 2?"
    assert (choice.options, choice.turns[1].text) == (("a gland", "not picture 1"), "not picture 1")
    assert {(s.task, s.turns[1].text) for s in samples} == {("choice", "not picture 1"), ("open", "0.5")}


def test_subjects_and_splits_of_mmmu_can_be_chosen(tmp_path: Path) -> None:
    samples, faults = read("mmmu", tmp_path, splits=("validation",), subjects=("Pharmacy", "Public_Health"))
    assert (len(samples), faults) == (2, [])
    assert [s.provenance.split for s in read("mmmu", tmp_path)[0]].count("train") == 1


@pytest.mark.parametrize(
    "options",
    ["not a list", "{}", "[" * 500, "['a', __import__('os')]", "['a']" + " " * (1 << 17)],
    ids=["words", "an object", "deep", "a call", "long"],
)
def test_a_list_of_options_is_read_and_never_run(tmp_path: Path, options: str) -> None:
    with pytest.raises(RecordRefused) as refused:
        mmmu._listed(options)
    assert refused.value.code == "record_malformed"


def test_figures_of_one_paper_count_as_one_patient(tmp_path: Path) -> None:
    one, other = read("pmc_oa", tmp_path)[0]
    assert one.provenance.patient_key != other.provenance.patient_key
    assert one.report is not None
    assert one.report.findings == "A stain."


def test_two_texts_about_one_picture_of_quilt_are_two_samples(tmp_path: Path) -> None:
    one, other = read("quilt", tmp_path)[0]
    assert one.images[0].image is other.images[0].image
    assert (one.provenance.site, one.provenance.split, one.images[0].image.modality) == ("Skin", "train", "SM")


def test_volumes_of_ct_rate_have_their_reports_and_labels(tmp_path: Path) -> None:
    one, other = read("ct_rate", tmp_path)[0]
    assert (one.images[0].image.kind, one.images[0].image.spacing_mm) == ("volume", (2.0, 1.0, 1.0))
    assert dict(one.labels) == {"cardiomegaly": "present", "lung nodule": "absent"}
    assert not other.labels
    assert [sample.provenance.split for sample in (one, other)] == ["train", "validation"]
    assert (one.images[0].image.scanner, one.provenance.age_years, one.provenance.sex) == ("Philips iCT", 60.0, "F")
    assert (other.images[0].image.scanner, other.provenance.age_years, other.provenance.sex) == (None, None, None)


def test_minus_one_of_merlin_is_not_mentioned(tmp_path: Path) -> None:
    one, other = read("merlin", tmp_path)[0]
    assert dict(one.labels) == {"hepatic steatosis": "present", "ascites": "not_mentioned"}
    assert one.report is not None
    assert (one.report.findings, one.report.impression, one.provenance.split) == ("Fatty liver.", "Steatosis.", "test")
    assert (other.report, other.provenance.split) == (None, None)


def test_every_reader_is_a_module() -> None:
    assert all(isinstance(reader, ModuleType) for reader, *_ in ALL.values())
