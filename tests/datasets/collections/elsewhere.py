"""Small folders in the published shapes of collections that are not at hand, made by code: three or four records each."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image as Pillow
from tests.datasets.collections import nifti

from vesalius.datasets.collections import (
    ct_rate,
    medqa,
    medxpertqa,
    merlin,
    mimic_cxr,
    mimic_diff_vqa,
    mmmu,
    omnimedvqa,
    openi,
    path_vqa,
    pmc_oa,
    pmc_vqa,
    quilt,
    rad_restruct,
    roco,
    vqa_rad,
)


def picture(place: Path, shade: int) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray((np.arange(24 * 20).reshape(20, 24) * (shade + 3) % 251).astype(np.uint8)).save(place)


def table(place: Path, rows: Sequence[dict[str, object]], *, packed: bool = False) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    lines = io.StringIO()
    writer = csv.DictWriter(lines, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    content = lines.getvalue().encode()
    place.write_bytes(gzip.compress(content) if packed else content)


def a_vqa_rad(root: Path) -> None:
    def record(qid: int, name: str, answer: object, kind: str, phrase: str, types: str) -> dict[str, object]:
        case = f"https://medpix.nlm.nih.gov/case?id={name}"
        return {"qid": qid, "phrase_type": phrase, "qid_linked_id": "x", "image_case_url": case, "image_name": name} | {
            "image_organ": "CHEST", "evaluation": "evaluated", "question": f"Question {qid}?", "question_type": types,
            "answer": answer, "answer_type": kind,
        }  # fmt: skip

    records = [
        record(1, "a.jpg", "Yes", "CLOSED ", "freeform", "PRES"),
        record(2, "a.jpg", 3, "OPEN", "test_freeform", "COUNT, ABN"),
    ]
    records += [record(3, "b.jpg", "left lung", "OPEN", "para", "POS"), record(4, "b.jpg", "", "OPEN", "para", "POS")]
    (root / "VQA_RAD Dataset Public.json").write_text(json.dumps(records))
    picture(root / "VQA_RAD Image Folder" / "a.jpg", 1)
    picture(root / "VQA_RAD Image Folder" / "b.jpg", 2)


def a_vqa_rad_of_parquet(root: Path) -> None:
    (root / "data").mkdir()
    for shade, split in enumerate(("train", "test"), start=1):
        row = {"image": {"bytes": content(shade), "path": None}, "question": "Is the heart enlarged?", "answer": "yes"}
        rows = [row, {**row, "question": "Where is the mass?", "answer": "liver"}]
        pq.write_table(pa.Table.from_pylist(rows), root / "data" / f"{split}-00000-of-00001-0a1b.parquet")


def a_pmc_vqa(root: Path) -> None:
    choices = {f"Choice {letter}": f" {letter}:choice {letter} " for letter in "ABCD"}
    first = {"Figure_path": "PMC1_Fig1_1.jpg", "Question": " What? ", "Answer": "choice B", **choices, "Answer_label": "B"}
    second = {
        "index": 0,
        "Figure_path": "PMC2_Fig1_2.jpg",
        "Caption": "c",
        "Question": "Which?",
        **choices,
        "Answer": "D",
        "split": "x",
    }
    table(root / "train.csv", [first, {**first, "Answer_label": "E"}])
    table(root / "test_2.csv", [second])
    picture(root / "images" / "PMC1_Fig1_1.jpg", 1)
    picture(root / "figures" / "PMC2_Fig1_2.jpg", 2)


def a_omnimedvqa(root: Path) -> None:
    record = {"dataset": "ACRIMA", "question_id": "acrima_0", "question_type": "Disease Diagnosis", "question": "What is shown?"}
    record |= {"gt_answer": "Glaucoma", "image_path": "Images/ACRIMA/a.png", "option_A": "Glaucoma", "option_B": "Normal"}
    place = root / "QA_information" / "Open-access"
    place.mkdir(parents=True)
    (place / "ACRIMA.json").write_text(json.dumps([{**record, "modality_type": "Fundus Photography"}]))
    other = {**record, "question_id": "ct_0", "modality": "CT(Computed Tomography)", "image_path": "Images/CT/a.png"}
    (place / "Chest CT Scan.json").write_text(json.dumps([other, {**other, "gt_answer": "Something else"}]))
    picture(root / "Images" / "ACRIMA" / "a.png", 1)
    picture(root / "Images" / "CT" / "a.png", 2)


def a_medqa(root: Path) -> None:
    record = {"question": "A man. What next?", "answer": "Rest", "options": {"B": "Run", "A": "Rest"}, "meta_info": "step1"}
    place = root / "questions" / "US"
    place.mkdir(parents=True)
    (place / "train.jsonl").write_text(json.dumps(record) + "\n" + json.dumps({**record, "answer": "Sleep"}) + "\n")
    (place / "test.jsonl").write_text(json.dumps({**record, "question": "A woman. What next?"}) + "\n")


def a_rad_restruct(root: Path) -> None:
    yes = {"answer_type": "single_choice", "options": ["yes", "no"], "path": "lung_signs"}
    degree = {"answer_type": "multi_choice", "options": ["mild", "severe", "no selection"], "path": "lung_degree"}
    pairs = [["Signs in the lung?", ["yes"], [], yes]]
    pairs += [["What degree?", ["mild", "severe"], [["Signs in the lung?", ["yes"]]], degree]]
    for folder, report in (("train_qa_pairs", "11"), ("test_qa_pairs", "12")):
        (root / folder).mkdir(parents=True)
        (root / folder / f"{report}.json").write_text(json.dumps([*pairs, ["broken"]] if report == "12" else pairs))
    (root / "id_to_img_mapping_frontal_reports.json").write_text(json.dumps({"11": ["CXR11_a", "CXR11_b"], "12": ["CXR12_a"]}))
    for shade, name in enumerate(("CXR11_a", "CXR11_b", "CXR12_a")):
        picture(root / "images" / f"{name}.png", shade)


def a_mimic_diff_vqa(root: Path) -> None:
    row = {"study_id": 51, "subject_id": 10, "ref_id": 50, "question_type": "difference", "question": "What has changed?"}
    row |= {"answer": "the effusion has grown", "split": "train"}
    other = {**row, "question_type": "presence", "question": "Is there an effusion?", "answer": "yes", "split": "val"}
    table(root / "mimic_pair_questions.csv", [row, other, {**other, "study_id": 99}])
    table(
        root / "mimic_all.csv",
        [{"study_id": 51, "subject_id": 10, "dicom_id": "d1"}, {"study_id": 50, "subject_id": 10, "dicom_id": "d0"}],
    )
    picture(root / "files" / "d0.jpg", 0)
    picture(root / "files" / "d1.jpg", 1)


def a_openi(root: Path) -> None:
    report = """<eCitation><uId id="CXR{0}"/><MedlineCitation><Article><Abstract>
<AbstractText Label="COMPARISON">None.</AbstractText><AbstractText Label="FINDINGS">{1}</AbstractText>
<AbstractText Label="IMPRESSION">{2}</AbstractText></Abstract></Article></MedlineCitation>
<MeSH><major>{3}</major><automatic>other</automatic></MeSH><parentImage id="CXR{0}_IM-1"/></eCitation>"""
    (root / "ecgen-radiology").mkdir(parents=True)
    for number, findings in enumerate(("Clear lungs.", "Effusion.", ""), start=1):
        text = report.format(
            number, findings, "Normal." if number == 1 else "", "normal" if number == 1 else "Pleural Effusion/right"
        )
        (root / "ecgen-radiology" / f"{number}.xml").write_text(text)
        picture(root / "NLMCXR_png" / f"CXR{number}_IM-1.png", number)


def a_mimic_cxr(root: Path) -> None:
    rows = [("10", "50", "d0", "PA", "21800101"), ("10", "50", "d1", "LATERAL", "21800101"), ("10", "51", "d2", "AP", "21800111")]
    rows += [("11", "60", "d3", "PA", "21700101")]
    names = ("subject_id", "study_id", "dicom_id", "ViewPosition", "StudyDate")
    table(root / "mimic-cxr-2.0.0-metadata.csv", [dict(zip(names, row, strict=True)) for row in rows])
    table(
        root / "mimic-cxr-2.0.0-split.csv.gz",
        [{"subject_id": 10, "study_id": s, "split": "validate"} for s in (50, 51)],
        packed=True,
    )
    table(
        root / "mimic-cxr-2.0.0-chexpert.csv",
        [{"subject_id": 10, "study_id": 50, "Edema": "1.0", "Pneumonia": "", "Fracture": "-1.0"}],
    )
    for shade, (subject, study, name, *_) in enumerate(rows):
        picture(root / "files" / "p10" / f"p{subject}" / f"s{study}" / f"{name}.jpg", shade)
    report = root / "files" / "p10" / "p10" / "s50.txt"
    report.write_text(" FINAL REPORT\n INDICATION: Cough.\n\n FINDINGS:\n Lungs are\n clear.\n\n IMPRESSION: No change.\n")
    (report.parent / "s51.txt").write_text("Effusion on the left.")


def a_roco(root: Path) -> None:
    table(
        root / "train_captions.csv",
        [{"ID": "ROCOv2_train_1", "Caption": "CT of a mass."}, {"ID": "ROCOv2_train_2", "Caption": " "}],
    )
    table(root / "train_concepts.csv", [{"ID": "ROCOv2_train_1", "CUIs": "C0040405;C0577559"}])
    picture(root / "train" / "ROCOv2_train_1.jpg", 1)
    (root / "validation" / "radiology").mkdir(parents=True)
    (root / "validation" / "radiology" / "captions.txt").write_text("ROCO_1\t Chest radiograph.\n")
    picture(root / "validation" / "radiology" / "images" / "ROCO_1.jpg", 2)


def content(shade: int) -> bytes:
    """A picture as the bytes of a file."""
    stream = io.BytesIO()
    Pillow.fromarray(np.full((18, 20, 3), shade * 20, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def a_path_vqa(root: Path) -> None:
    (root / "data").mkdir()
    for shade, split in enumerate(("train", "validation", "test"), start=1):
        row = {"image": {"bytes": content(shade), "path": None}, "question": f"What is in {split}?", "answer": "yes"}
        rows = [row, {**row, "answer": "a gland"}, *([{**row, "answer": " "}] if split == "test" else [])]
        pq.write_table(pa.Table.from_pylist(rows), root / "data" / f"{split}-00000-of-00001.parquet")


def a_medxpertqa(root: Path) -> None:
    question = {"question": "A child with a rash. What next?\nAnswer Choices: (A) Rest (B) Run", "label": "B"}
    question |= {"medical_task": "Treatment", "body_system": "Skin", "question_type": "Reasoning"}
    options = {"B": "Run", "A": "Rest"}
    mm = [{**question, "id": f"MM-{n}", "options": options, "images": [f"MM-{n}-a.jpeg", f"MM-{n}-b.jpeg"]} for n in (1, 2)]
    text = [{**question, "id": "Text-1", "options": [{"letter": x, "content": options[x]} for x in "AB"], "label": ["A"]}]
    text += [{**question, "id": "Text-2", "options": options, "label": "C"}]
    for place, records in (("MM/test", mm[:1]), ("MM/dev", mm[1:]), ("Text/test", text)):
        (root / place).parent.mkdir(exist_ok=True)
        (root / f"{place}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    for shade, name in enumerate(name for record in mm for name in record["images"]):
        picture(root / "images" / name, shade)


def a_mmmu(root: Path) -> None:
    row: dict[str, object] = {"question": "Which is <image 2>?", "options": "['a gland', \"not <image 1>\"]", "answer": "B"}
    row |= {"explanation": "", "img_type": "['Pathology']", "topic_difficulty": "Easy", "question_type": "multiple-choice"}
    row |= {f"image_{n}": {"bytes": content(n), "path": None} if n < 3 else None for n in range(1, 8)}
    row |= {"subfield": "Histology"}
    several = {"options": "[]", "question_type": "open", "answer": "['0.5', '1/2']"}
    for subject, split, rows in (
        ("Pharmacy", "validation", [row, {**row, **several}]),
        ("Pharmacy", "test", [{**row, "answer": "?"}]),
        ("Pharmacy", "dev", [row]),
        ("Music", "validation", [row]),
    ):
        named = [{"id": f"{split}_{subject}_{number}", **each} for number, each in enumerate(rows, start=1)]
        (root / subject).mkdir(exist_ok=True)
        pq.write_table(pa.Table.from_pylist(named), root / subject / f"{split}-00000-of-00001.parquet")


def a_pmc_oa(root: Path) -> None:
    lines = [{"image": "PMC1_f1_1.jpg", "caption": "A stain.", "alignment_type": "box", "alignment_score": 0.9}]
    lines += [{"image": "PMC1_f2_1.jpg", "caption": "", "alignment_type": "box"}, {"image": "PMC2_f1_1.jpg", "caption": "B"}]
    (root / "pmc_oa.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for shade, line in enumerate(lines):
        picture(root / "caption_T060_filtered_top4_sep_v0_subfigures" / str(line["image"]), shade)


def a_quilt(root: Path) -> None:
    row = {
        "": 0,
        "caption": "A gland.",
        "image_path": "vid1_image_a.jpg",
        "subset": "quilt",
        "split": "train",
        "pathology": "['Skin']",
    }
    table(root / "quilt_1M_lookup.csv", [row, {**row, "caption": "Its margin."}, {**row, "caption": "", "split": "val"}])
    picture(root / "images" / "vid1_image_a.jpg", 1)


def a_ct_rate(root: Path) -> None:
    reports = [
        {"VolumeName": f"{name}.nii.gz", "Findings_EN": "Clear.", "Impressions_EN": "Normal."}
        for name in ("train_1_a_1", "valid_2_a_1")
    ]
    table(root / "radiology_text_reports" / "train_reports.csv", [*reports, {**reports[0], "VolumeName": "odd.nii.gz"}])
    label = {"VolumeName": "train_1_a_1.nii.gz", "Cardiomegaly": 1, "Lung nodule": 0}
    table(root / "multi_abnormality_labels" / "train_predicted_labels.csv", [label])
    about = {"VolumeName": "train_1_a_1.nii.gz", "Manufacturer": "Philips", "ManufacturerModelName": "iCT 256"}
    about = {**about, "PatientSex": "F", "PatientAge": "060Y"}
    table(root / "metadata" / "train_metadata.csv", [about])
    nifti.volume(root / "train_fixed" / "train_1" / "train_1_a" / "train_1_a_1.nii.gz", 1)
    nifti.volume(root / "valid_fixed" / "valid_2" / "valid_2_a" / "valid_2_a_1.nii.gz", 2)


def a_merlin(root: Path) -> None:
    rows = [{"study id": "AC1", "hepatic_steatosis": 1, "ascites": -1}, {"study id": "AC2", "hepatic_steatosis": 0, "ascites": 1}]
    table(root / "zero_shot_findings_disease_cls.csv", rows)
    cells = [["study id", "Findings", "Split"], ["AC1", "FINDINGS: Fatty liver. IMPRESSION: Steatosis.", "test"]]
    lines = "".join(
        f'<row r="{r}">' + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in row) + "</row>"
        for r, row in enumerate([*cells, ["AC3", "", "train"]], start=1)
    )
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    with zipfile.ZipFile(root / "reports_final.xlsx", "w") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", f'<worksheet xmlns="{space}"><sheetData>{lines}</sheetData></worksheet>')
    nifti.volume(root / "merlin_data" / "AC1.nii.gz", 1)
    nifti.volume(root / "merlin_data" / "AC2.nii.gz", 2)


# reader, builder, samples, codes of the faults
ALL: dict[str, tuple[object, Callable[[Path], None], int, list[str]]] = {
    "vqa_rad": (vqa_rad, a_vqa_rad, 3, ["answer_missing"]),
    "pmc_vqa": (pmc_vqa, a_pmc_vqa, 2, ["answer_missing"]),
    "omnimedvqa": (omnimedvqa, a_omnimedvqa, 2, ["record_malformed"]),
    "medqa": (medqa, a_medqa, 2, ["record_malformed"]),
    "rad_restruct": (rad_restruct, a_rad_restruct, 6, ["record_malformed"]),
    "mimic_diff_vqa": (mimic_diff_vqa, a_mimic_diff_vqa, 2, ["media_missing"]),
    "openi": (openi, a_openi, 2, ["answer_missing"]),
    "mimic_cxr": (mimic_cxr, a_mimic_cxr, 2, ["answer_missing"]),
    "roco": (roco, a_roco, 2, ["answer_missing"]),
    "path_vqa": (path_vqa, a_path_vqa, 6, ["answer_missing"]),
    "medxpertqa": (medxpertqa, a_medxpertqa, 3, ["answer_missing"]),
    "mmmu": (mmmu, a_mmmu, 4, ["answer_missing"]),
    "pmc_oa": (pmc_oa, a_pmc_oa, 2, ["answer_missing"]),
    "quilt": (quilt, a_quilt, 2, ["answer_missing"]),
    "ct_rate": (ct_rate, a_ct_rate, 2, ["record_malformed"]),
    "merlin": (merlin, a_merlin, 2, ["answer_missing"]),
}
