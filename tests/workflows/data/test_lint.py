"""`vesalius data lint`: broken folders of several formats, one fault each, and what the verb says of them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image as Pillow
from tests.datasets.lint import clean
from tests.datasets.lint.test_run import BROKEN as LINTED

from vesalius.datasets.split import by_patient
from vesalius.datasets.store import table
from vesalius.errors import FAULTS, InputRefused, UsageError
from vesalius.types import Mask, Region
from vesalius.workflows.data.lint import lint

CARD = table.Card("made", "code", "CC0-1.0", "by code", "a patient", "none")
PICTURES = 6
VOC = """<annotation><filename>{name}</filename><size><width>120</width><height>96</height><depth>1</depth></size>
<object><name>nodule</name><bndbox><xmin>{0}</xmin><ymin>{1}</ymin><xmax>{2}</xmax><ymax>{3}</ymax></bndbox></object></annotation>"""
Break = Callable[[Path], None]


def quiet(line: str) -> None:
    pass


def pictures(folder: Path) -> list[str]:
    folder.mkdir(parents=True)
    names = [f"case{chr(97 + number)}.png" for number in range(PICTURES)]
    for number, name in enumerate(names):
        Pillow.fromarray(clean.pixels(number)).save(folder / name)
    return names


def llava(root: Path) -> Path:
    records = [
        {
            "id": str(number),
            "image": name,
            "conversations": [
                {"from": "human", "value": "<image>\nWhat do you see?"},
                {"from": "gpt", "value": f"Finding {number}."},
            ],
        }
        for number, name in enumerate(pictures(root / "images"))
    ]
    (root / "train.json").write_text(json.dumps(records))
    return root


def coco(root: Path) -> Path:
    names = pictures(root / "images")
    images = [{"id": number, "file_name": name, "width": 120, "height": 96} for number, name in enumerate(names)]
    boxes = [
        {"id": number, "image_id": number, "category_id": 1, "bbox": [5 + number, 10, 30, 20], "area": 600, "iscrowd": 0}
        for number in range(PICTURES)
    ]
    content = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "nodule"}]}
    (root / "instances.json").write_text(json.dumps(content))
    return root


def voc(root: Path) -> Path:
    (root / "Annotations").mkdir(parents=True)
    for name in pictures(root / "JPEGImages"):
        (root / "Annotations" / name.replace(".png", ".xml")).write_text(VOC.format(5, 6, 50, 60, name=name))
    return root


def captions(root: Path) -> Path:
    lines = [f"{name},Finding {number} of the chest." for number, name in enumerate(pictures(root / "images"))]
    (root / "train.csv").write_text("\n".join(["filepath,caption", *lines]) + "\n")
    return root


def masks(root: Path) -> Path:
    (root / "masks").mkdir(parents=True)
    for number, name in enumerate(pictures(root / "images")):
        inside = np.zeros((96, 120), np.uint8)
        inside[10 + number : 40, 20:60] = 255
        Pillow.fromarray(inside).save(root / "masks" / name)
    return root


def ours(root: Path) -> Path:
    samples = clean.every(PICTURES, clean.sample(3, regions=(Region("lung", Mask(lambda: np.ones((96, 120), bool))),), turns=()))
    table.write(samples, root, CARD)
    return root


SHAPES = {"llava": llava, "coco": coco, "voc": voc, "csv": captions, "mask_folder": masks, "vesalius": ours}


def edited(name: str, change: Callable[[list[dict] | dict], None]) -> Break:
    """A break of a JSON file."""

    def at(root: Path) -> None:
        content = json.loads((root / name).read_text())
        change(content)
        (root / name).write_text(json.dumps(content))

    return at


def replaced(name: str, before: str, after: str) -> Break:
    def at(root: Path) -> None:
        text = (root / name).read_text()
        assert before in text
        (root / name).write_text(text.replace(before, after, 1))

    return at


def said(number: int, turn: int, text: str) -> Break:
    return edited("train.json", lambda records: records[number]["conversations"][turn].update(value=text))


def boxed(number: int, **changed: object) -> Break:
    return edited("instances.json", lambda content: content["annotations"][number].update(changed))


def gone(name: str) -> Break:
    return lambda root: (root / name).unlink()


def cut_off(name: str) -> Break:
    def at(root: Path) -> None:
        content = (root / name).read_bytes()
        (root / name).write_bytes(content[: len(content) // 2])

    return at


def of_ours(change: Callable[[Path], None]) -> Break:
    """A break of the medium of one sample."""

    def at(root: Path) -> None:
        (row,) = [row for row in pq.read_table(root / "samples.parquet").to_pylist() if row["key"] == "made-1"]
        change(root / row["images"][0]["media"])

    return at


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(bytes(content))


BROKEN: dict[str, Break] = {
    "llava media_missing": gone("images/casec.png"),
    "llava media_unreadable": cut_off("images/casec.png"),
    "llava placeholder_mismatch": said(1, 0, "<image><image>\nWhat do you see?"),
    "llava answer_missing": said(1, 1, " "),
    "llava special_token": said(1, 0, "<image>\n<|im_start|>What do you see?"),
    "llava record_malformed": edited("train.json", lambda records: records[1].pop("conversations")),
    "llava phi_like": said(1, 1, "Seen by Dr. Miller."),
    "llava encoding_broken": said(1, 1, "A l\ufffdsion."),
    "coco media_missing": gone("images/casec.png"),
    "coco media_unreadable": cut_off("images/casec.png"),
    "coco box_outside": boxed(1, bbox=[100, 10, 30, 20]),
    "coco box_without_extent": boxed(1, bbox=[10, 10, 0, 20]),
    "coco label_unknown": boxed(1, category_id=7),
    "coco record_malformed": boxed(1, bbox=[10, 10, 30]),
    "voc media_missing": gone("JPEGImages/casec.png"),
    "voc media_unreadable": cut_off("JPEGImages/casec.png"),
    "voc box_outside": replaced("Annotations/casea.xml", "<xmax>50<", "<xmax>130<"),
    "voc box_inverted": replaced("Annotations/casea.xml", "<xmin>5<", "<xmin>60<"),
    "voc record_malformed": replaced("Annotations/casea.xml", "</object>", ""),
    "csv media_missing": gone("images/casec.png"),
    "csv media_unreadable": cut_off("images/casec.png"),
    "csv special_token": replaced("train.csv", "Finding 2", "<image> Finding 2"),
    "llava media_ambiguous": lambda root: twice(root, "casea.png"),
    "mask_folder mask_geometry": lambda root: Pillow.fromarray(np.full((96, 60), 255, np.uint8)).save(
        root / "masks" / "casea.png"
    ),
    "mask_folder mask_all_zero": lambda root: Pillow.fromarray(np.zeros((96, 120), np.uint8)).save(root / "masks" / "casea.png"),
    "mask_folder media_unused": lambda root: shutil.copy(root / "masks" / "casea.png", root / "masks" / "casea_pred.png"),
    "vesalius media_missing": of_ours(lambda path: path.unlink()),
    "vesalius media_unreadable": of_ours(flipped),
}


def twice(root: Path, name: str) -> None:
    """Two files that could be the one that a record means."""
    for number, folder in enumerate(("one", "two")):
        (root / folder).mkdir()
        Pillow.fromarray(clean.pixels(60 + number)).save(root / folder / name)
    (root / "images" / name).unlink()


def found(root: Path, **options: object) -> set[str]:
    return set(lint(root, say=quiet, **options).data["counts"])


@pytest.mark.parametrize("shape", SHAPES)
def test_a_clean_folder_has_no_faults(tmp_path: Path, shape: str) -> None:
    outcome = lint(SHAPES[shape](tmp_path / "data"), say=quiet)
    assert (outcome.data["format"], outcome.data["faults"], outcome.exit_code) == (shape, [], 0)
    assert outcome.data["samples"] == PICTURES


@pytest.mark.parametrize("what", BROKEN)
def test_each_broken_folder_has_its_fault_and_no_other(tmp_path: Path, what: str) -> None:
    shape, code = what.split()
    root = SHAPES[shape](tmp_path / "data")
    BROKEN[what](root)
    assert found(root) == {code}


def test_every_code_is_met_in_one_of_the_corpora() -> None:
    met = {what.split()[1] for what in BROKEN} | {what.partition(":")[0] for what in LINTED}
    assert met | {"text_over_limit", "benchmark_overlap"} == set(FAULTS)


def test_errors_end_in_exit_4_and_warnings_in_0(tmp_path: Path) -> None:
    root = llava(tmp_path / "data")
    said(1, 1, "Seen by Dr. Miller.")(root)
    outcome = lint(root, say=quiet)
    assert (outcome.exit_code, outcome.data["errors"], outcome.data["warnings"]) == (0, 0, 1)
    (root / "images" / "casec.png").unlink()
    outcome = lint(root, say=quiet)
    assert (outcome.exit_code, outcome.data["errors"]) == (4, 1)
    assert outcome.data["faults"][0]["code"] == "media_missing"
    assert "error media_missing (1)" in outcome.text


def test_the_report_is_one_file_that_fetches_nothing_and_shows_the_pictures(tmp_path: Path) -> None:
    root = coco(tmp_path / "data")
    shutil.copy(root / "images" / "casea.png", root / "images" / "caseb.png")
    lint(root, say=quiet, out=tmp_path / "report")
    page = (tmp_path / "report" / "index.html").read_text()
    assert page.count("data:image/jpeg;base64,") >= 1
    assert "picture_duplicate" in page
    assert "Content-Security-Policy" in page
    assert not any(word in page for word in ("<script", "http://", "https://"))


def test_foreign_text_is_escaped_in_the_report(tmp_path: Path) -> None:
    root = llava(tmp_path / "data")
    edited("train.json", lambda records: records[1].update(id="<script>alert(1)</script>"))(root)
    said(1, 1, "Seen by Dr. Miller <script>alert(1)</script>.")(root)
    lint(root, say=quiet, out=tmp_path / "report")
    assert "<script" not in (tmp_path / "report" / "index.html").read_text()


def test_a_dataset_is_compared_with_another_one_as_a_benchmark(tmp_path: Path) -> None:
    train, exam = llava(tmp_path / "train"), coco(tmp_path / "exam")
    assert found(train, benchmarks=[str(exam)]) == {"benchmark_overlap"}
    for name in ("cased.png", "casee.png", "casef.png", "casea.png", "caseb.png", "casec.png"):
        Pillow.fromarray(clean.pixels(ord(name[4]))).save(exam / "images" / name)
    assert found(train, benchmarks=[str(exam)]) == set()


def test_options_that_cannot_be_are_refused(tmp_path: Path) -> None:
    root = llava(tmp_path / "data")
    for options in ({"benchmarks": ["no_such"]}, {"model": "no_such"}, {"most_tokens": 0}):
        with pytest.raises(UsageError):
            lint(root, say=quiet, **options)
    with pytest.raises(InputRefused):
        lint(tmp_path / "nothing", say=quiet)


def test_the_real_radiographs_have_the_leaks_that_are_known(public_data: Path) -> None:
    outcome = lint(public_data / "kermany_chestxray", say=quiet)
    leaks = [fault["fact"] for fault in outcome.data["faults"] if fault["code"] == "label_leak"]
    assert "the words of the file's name" in leaks  # person12_bacteria_3
    assert outcome.data["counts"]["patient_across_splits"]["count"] == 3
    assert "picture_near_duplicate" not in outcome.data["counts"]
    assert by_patient("patient 3") == "test"  # the pure function that convert uses stays what it was
