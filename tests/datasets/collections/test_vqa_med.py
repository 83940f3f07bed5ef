"""vqa_med: questions about pictures of teaching cases."""

import logging
from collections import Counter
from pathlib import Path

from tests.datasets.collections.made import Told
from tests.datasets.conftest import picture

from vesalius.datasets.collections import vqa_med


def write(root: Path, name: str, *lines: str) -> Path:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("\r\n".join(lines))
    return root


def test_files_of_2019_give_kind_split_and_picture(tmp_path, caplog):
    for number in (1, 2, 3):
        picture(tmp_path / "somewhere" / f"synpic{number}.jpg", 32, 24, number)
    write(tmp_path, "t/All_QA_Pairs_train.txt", "synpic1|what is this?|ct", "synpic2|which plane?|axial")
    write(tmp_path, "t/QAPairsByCategory/C2_Plane_train.txt", "synpic2|which plane?|axial")
    write(tmp_path, "e/VQAMed2019_Test_Questions.txt", "synpic3|is it an mri?")
    write(tmp_path, "e/VQAMed2019_Test_Questions_w_Ref_Answers.txt", "synpic3|modality|is it an mri?|no#not at all")
    with caplog.at_level(logging.WARNING):
        samples = {sample.turns[0].text: sample for sample in vqa_med.read(tmp_path)}
    assert {text: (s.task, s.turns[1].text, s.provenance.split) for text, s in samples.items()} == {
        "<image:0> what is this?": ("vqa", "ct", "train"),
        "<image:0> which plane?": ("plane", "axial", "train"),
        "<image:0> is it an mri?": ("modality", "no", "test"),
    }
    assert "several answers, the first was kept: 1" in caplog.text
    assert "stand in several files, the first was kept: 1" in caplog.text


def test_questions_of_2021_find_their_answers_in_the_file_beside_them(tmp_path):
    write(tmp_path, "Task1-VQA-2021-TestSet-Questions.txt", "synpic1|what is seen?", "synpic2|what is seen?")
    write(tmp_path, "Task1-VQA-2021-TestSet-ReferenceAnswers.txt", "synpic1|edema|oedema")
    told = Told()
    (sample,) = vqa_med.read(tmp_path, told.append, text_alone=True)
    assert (sample.turns[1].text, sample.provenance.split) == ("edema", "test")
    assert [(fault.code, fault.where) for fault in told] == [("answer_missing", "line 2 of Task1-VQA-2021-TestSet-Questions.txt")]


def test_questions_that_are_to_be_found_are_the_answers(tmp_path):
    picture(tmp_path / "images" / "synpic9.jpg", 32, 24, 1)
    write(tmp_path, "Task2-VQGeneration2021-TestSet-ReferenceQuestions.txt", "synpic9|Is it large?|Where is it?")
    # "VQGeneration" is one spelling of VQG.
    samples = list(vqa_med.read(tmp_path))
    assert [sample.turns[1].text for sample in samples] == ["Is it large?", "Where is it?"]
    assert {(s.task, s.turns[0].text) for s in samples} == {("asking", "<image:0> Ask a question about this picture.")}
    assert len({sample.key for sample in samples}) == 2


def test_missing_pictures_and_lines_that_cannot_be_used_are_told(tmp_path):
    lines = ["synpic1|what is this?|ct", "synpic2||ct", "picture 3|what?|ct", "synpic4|what?", "synpic5|what?|<image:0>"]
    write(tmp_path, "All_QA_Pairs_val.txt", *lines)
    told = Told()
    assert list(vqa_med.read(tmp_path, told.append)) == []
    assert sorted((fault.where[:6], fault.code) for fault in told) == [
        ("line 1", "media_missing"),
        ("line 2", "record_malformed"),
        ("line 3", "record_malformed"),
        ("line 4", "answer_missing"),
        ("line 5", "special_token"),
    ]


def test_text_files_of_other_things_are_not_this_collection(tmp_path):
    write(tmp_path, "notes.txt", "synpic1|what is this?|ct")
    write(tmp_path, "All_QA_Pairs_train.txt", "no number|what is this?|ct")
    assert not vqa_med.recognizes(tmp_path)


def test_the_real_folder_has_the_published_counts(public_data: Path):
    told = Told()
    samples = list(vqa_med.read(public_data / "vqa_med", told.append))
    assert Counter(sample.task == "asking" for sample in samples) == {True: 192, False: 18}
    assert len({sample.images[0].image.source.sha256 for sample in samples}) == 12 + 48
    assert told.codes == ["media_missing"] * 494
    texts = Counter(sample.task for sample in vqa_med.read(public_data / "vqa_med", text_alone=True))
    assert texts == {"modality": 125, "plane": 125, "organ": 125, "abnormality": 125, "vqa": 12, "asking": 192}
