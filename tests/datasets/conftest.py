"""Small folders of the published shapes, made by code; and the real ones, where VESALIUS_DATA names them."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

COLUMNS = ["patientid", "offset", "sex", "age", "finding", "view", "modality", "location", "folder", "filename"]
COLUMNS += ["license", "clinical_notes"]
VOC_OBJECT = (
    """<object><name>{0}</name><bndbox><xmin>{1}</xmin><ymin>{2}</ymin><xmax>{3}</xmax><ymax>{4}</ymax></bndbox></object>"""
)


def picture(path: Path, width: int, height: int, shade: int) -> None:
    """A gray ramp, different for every shade."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = (np.arange(width * height).reshape(height, width) * (shade + 1) % 251).astype(np.uint8)
    Pillow.fromarray(pixels).save(path)


@pytest.fixture
def make_covid() -> Callable[..., Path]:
    """Writes a covid_chestxray folder: rows as dicts, one picture of 40 × 30 px per row unless `absent`."""

    def write(root: Path, rows: list[dict[str, str]], *, absent: tuple[str, ...] = ()) -> Path:
        (root / "images").mkdir(parents=True)
        with (root / "metadata.csv").open("w", encoding="utf-8", newline="") as lines:
            table = csv.DictWriter(lines, COLUMNS, restval="")
            table.writeheader()
            table.writerows(rows)
        for shade, row in enumerate(rows):
            if row["filename"] not in absent:
                picture(root / "images" / Path(row["filename"]).name, 40, 30, shade)
        return root

    return write


@pytest.fixture
def write_lungs() -> Callable[..., None]:
    """Writes COCO boxes: {file name: {category id: [x, y, width, height]}} in pictures of the stated size."""

    def write(path: Path, boxes: dict[str, dict[int | None, list[float]]], *, width: int, height: int) -> None:
        path.parent.mkdir(exist_ok=True)
        images, annotations = [], []
        for number, (name, lungs) in enumerate(boxes.items()):
            images.append({"id": number, "file_name": name, "width": width, "height": height})
            for category, box in lungs.items():
                named = {} if category is None else {"category_id": category}
                annotations.append({"id": len(annotations), "image_id": number, "bbox": box, **named})
        categories = [{"id": 1, "name": "Right Lung"}, {"id": 2, "name": "Left Lung"}]
        path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))

    return write


@pytest.fixture
def make_bccd() -> Callable[..., Path]:
    """Writes a bccd folder of 64 × 48 px fields: {stem: [(type, xmin, ymin, xmax, ymax), …]}."""

    def write(root: Path, fields: dict[str, list[tuple[str, float, float, float, float]]]) -> Path:
        (root / "BCCD" / "Annotations").mkdir(parents=True)
        for shade, (stem, boxes) in enumerate(fields.items()):
            picture(root / "BCCD" / "JPEGImages" / f"{stem}.jpg", 64, 48, shade)
            size = "<size><width>64</width><height>48</height><depth>3</depth></size>"
            items = "".join(VOC_OBJECT.format(*box) for box in boxes)
            (root / "BCCD" / "Annotations" / f"{stem}.xml").write_text(f"<annotation>{size}{items}</annotation>")
        return root

    return write


@pytest.fixture
def make_questions() -> Callable[..., Path]:
    """Writes derived_vqa/vqa.json below `pack` from (picture, content type, question, answer)."""

    def write(pack: Path, asked: list[tuple[str, str, str, str]]) -> Path:
        names = ("img_name", "content_type", "question", "answer")
        records = [{"qid": n, "source": "made", **dict(zip(names, row, strict=True))} for n, row in enumerate(asked)]
        (pack / "derived_vqa").mkdir(parents=True)
        (pack / "derived_vqa" / "vqa.json").write_text(json.dumps(records))
        return pack

    return write
