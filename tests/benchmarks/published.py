"""Small copies of published benchmarks, made by code in their published shapes, and what is read of them."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from tests.datasets.collections import elsewhere
from tests.datasets.collections.elsewhere import content, picture, table


def vqa_rad(root: Path) -> None:
    """Two test questions about one picture, one training question about another, one about the same."""
    pairs = [("a", "PRES", "CLOSED ", "Yes", "test_freeform"), ("a", "POS", "OPEN", "left lung", "test_para")]
    pairs += [("a", "COUNT", "CLOSED", 3, "freeform"), ("b", "SIZE", "CLOSED", "left", "freeform")]
    records = [
        {"qid": qid, "phrase_type": phrase, "qid_linked_id": "x", "image_case_url": f"https://medpix/{name}"}
        | {"image_name": f"{name}.jpg", "image_organ": "CHEST", "question": f"Question {qid}?", "question_type": kind}
        | {"answer": answer, "answer_type": form}
        for qid, (name, kind, form, answer, phrase) in enumerate(pairs)
    ]
    (root / "VQA_RAD Dataset Public.json").write_text(json.dumps(records))
    picture(root / "VQA_RAD Image Folder" / "a.jpg", 1)
    picture(root / "VQA_RAD Image Folder" / "b.jpg", 2)


def slake(root: Path) -> None:
    """One picture of the test is one of training, another is its own; the validation split has a question, too."""

    def record(qid: int, name: str, language: str, answer: str, form: str = "OPEN") -> dict[str, object]:
        said = {"img_id": 1, "img_name": f"{name}/source.jpg", "question": "What is it?", "answer": answer, "q_lang": language}
        return {**said, "location": "Lung", "modality": "X-Ray", "answer_type": form, "base_type": "vqa"} | {
            "content_type": "Organ", "triple": ["vhead", "_", "_"], "qid": qid
        }  # fmt: skip

    tests = [record(1, "xmlab1", "en", "Lung"), record(2, "xmlab2", "en", "Yes", "CLOSED"), record(3, "xmlab2", "zh", "肺")]
    tests += [record(4, "xmlab2", "zh", "是", "CLOSED"), record(5, "xmlab2", "en", "MRI", "CLOSED")]
    (root / "test.json").write_text(json.dumps(tests))
    (root / "train.json").write_text(json.dumps([record(9, "xmlab1", "en", "Lung"), record(10, "xmlab1", "en", "")]))
    (root / "validation.json").write_text(json.dumps([record(8, "xmlab3", "en", "Heart")]))
    for shade in (1, 2, 3):
        picture(root / "imgs" / f"xmlab{shade}" / "source.jpg", shade)


def path_vqa(root: Path) -> None:
    """The picture of one test question lies in training, byte for byte."""
    (root / "data").mkdir()
    for split, shades in (("train", (1, 2)), ("validation", (3,)), ("test", (1, 4))):
        rows = [
            {"image": {"bytes": content(shade), "path": None}, "question": f"Is it {shade}?", "answer": answer}
            for shade in shades
            for answer in ("yes", "a gland")
        ]
        pq.write_table(pa.Table.from_pylist(rows), root / "data" / f"{split}-00000-of-00001.parquet")


def vqa_med(root: Path) -> None:
    """Tests of two years, and questions that are to be found, which are no part of the benchmark."""
    lines = {
        "VQAMed2019_Test_Questions_w_Ref_Answers.txt": "synpic1|modality|what modality?|ct#cta\nsynpic2|plane|which?|axial\n",
        "VQA-Med-2021-VQAnswering-Task1-Test.txt": "synpic3|what is abnormal?\n",
        "VQA-Med-2021-ReferenceAnswers.txt": "synpic3|fracture\n",
        "Train/QA_Pairs_train.txt": "synpic2|what organ?|skull\n",
        "VQG/VQG_Test.txt": "synpic4|Is it broken?|Where?\n",
    }
    for name, text in lines.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    for number in (1, 2, 3, 4):
        picture(root / "images" / f"synpic{number}.jpg", number)


def pmc_vqa(root: Path) -> None:
    """All three tests; one paper of each lies in its training table."""
    choices = {f"Choice {letter}": f" {letter}:choice {letter} " for letter in "ABCD"}

    def rows(*papers: int) -> list[dict[str, object]]:
        given = [(f"PMC{paper}_Fig1_1.jpg", f"What is {paper}?") for paper in papers]
        return [{"Figure_path": name, "Question": said, "Answer": "B", **choices, "Answer_label": "B"} for name, said in given]

    for name, papers in (("test_clean", (1, 2)), ("test", (1, 2, 3)), ("train", (1,)), ("test_2", (4,)), ("train_2", (4,))):
        table(root / f"{name}.csv", rows(*papers))
    for paper in (1, 2, 3, 4):
        picture(root / "images" / f"PMC{paper}_Fig1_1.jpg", paper)


def omnimedvqa(root: Path) -> None:
    """One collection with open access, one without."""
    elsewhere.a_omnimedvqa(root)
    lists = root / "QA_information"
    record = {"dataset": "Closed", "question_id": "c_0", "question_type": "Modality Recognition", "question": "What is it?"}
    record |= {"gt_answer": "CT", "image_path": "Images/CT/a.png", "option_A": "CT", "option_B": "MR", "modality_type": "X-Ray"}
    (lists / "Restricted-access").mkdir()
    (lists / "Restricted-access" / "Closed.json").write_text(json.dumps([record]))


def medxpertqa(root: Path) -> None:
    """As `elsewhere.a_medxpertqa`, its broken question aside."""
    elsewhere.a_medxpertqa(root)
    place = root / "Text" / "test.jsonl"
    place.write_text(place.read_text().splitlines()[0] + "\n")


def pubmedqa(root: Path, *, test: bool = True) -> None:
    """Three questions, one of them in the published test."""
    decisions = {"11": "yes", "12": "no", "13": "maybe"}
    found = {
        number: {"QUESTION": f"Does {number}?", "CONTEXTS": ["We looked."], "LABELS": ["METHODS"]}
        | {"LONG_ANSWER": "It does.", "final_decision": said}
        for number, said in decisions.items()
    }
    (root / "data").mkdir()
    (root / "data" / "ori_pqal.json").write_text(json.dumps(found))
    if test:
        (root / "data" / "test_ground_truth.json").write_text(json.dumps({"12": "no"}))


def medqa(root: Path) -> None:
    """All four tests, each with another question."""
    record = {"answer": "Rest", "options": {"A": "Rest", "B": "Run"}, "meta_info": "step1"}
    places = {"US/4_options/phrases_no_exclude_test.jsonl": "four", "US/test.jsonl": "five", "US/train.jsonl": "learnt"}
    places |= {"Mainland/test.jsonl": "mainland", "Taiwan/test.jsonl": "taiwan", "Mainland/4_options/test.jsonl": "again"}
    for name, said in places.items():
        place = root / "questions" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps({**record, "question": f"{said}?"}) + "\n")


def iu_xray(root: Path) -> None:
    """Two examinations of the test, one of them without a report."""

    def record(number: int, report: str) -> dict[str, object]:
        return {"id": f"CXR{number}_IM-1", "report": report, "image_path": [f"CXR{number}_IM-1/0.png", f"CXR{number}_IM-1/1.png"]}

    tests = [record(1, "The heart is normal."), record(2, "  ")]
    (root / "annotation.json").write_text(json.dumps({"train": [], "val": [record(3, "Clear lungs.")], "test": tests}))
    for number in (1, 2, 3):
        for side in (0, 1):
            picture(root / "images" / f"CXR{number}_IM-1" / f"{side}.png", 10 * number + side)


def mimic_cxr(root: Path) -> None:
    """One study of the test with both sections, one with the impression alone, one of training."""
    studies = {"50": "FINDINGS: Lungs are clear. IMPRESSION: Normal.", "51": "IMPRESSION: Worse.", "60": "FINDINGS: Old."}
    named = {"50": "10", "51": "10", "60": "11"}
    rows = [
        {"subject_id": named[study], "study_id": study, "dicom_id": f"d{study}", "ViewPosition": "PA", "StudyDate": "21800101"}
        for study in studies
    ]
    table(root / "mimic-cxr-2.0.0-metadata.csv", rows)
    splits = [{"subject_id": named[s], "study_id": s, "split": "test" if named[s] == "10" else "train"} for s in studies]
    table(root / "mimic-cxr-2.0.0-split.csv", splits)
    for shade, (study, text) in enumerate(studies.items()):
        place = root / "files" / "p1" / f"p{named[study]}" / f"s{study}" / f"d{study}.jpg"
        picture(place, shade)
        (place.parent.parent / f"s{study}.txt").write_text(text.replace(" IMPRESSION", "\nIMPRESSION"))


# benchmark → what makes its data, and how many questions of it are scored
MADE: dict[str, tuple[Callable[[Path], None], int]] = {
    "vqa_rad": (vqa_rad, 2),
    "slake": (slake, 5),
    "path_vqa": (path_vqa, 4),
    "vqa_med": (vqa_med, 3),
    "pmc_vqa": (pmc_vqa, 2),
    "omnimedvqa": (omnimedvqa, 2),
    "medxpertqa_mm": (medxpertqa, 1),
    "mmmu_medical": (elsewhere.a_mmmu, 2),
    "pubmedqa": (pubmedqa, 1),
    "medqa": (medqa, 1),
    "iu_xray_reports": (iu_xray, 1),
    "mimic_cxr_reports": (mimic_cxr, 1),
}
