"""r2gen: studies with their report, in the annotation file that R2Gen and its successors read.

What:       any number of studies: one report and the pictures that it is about.
Layout:     one JSON object, `{"train": […], "val": […], "test": […]}`, of records with `id`, `report`, `image_path` (a list of
            names); `subject_id` and `study_id` where they stand, as in MIMIC-CXR's. Pictures lie anywhere below the folder.
Holds:      pictures and one text, read as an annotation: the text is the findings of a report. Questions are counted when
            they are left out; so are clips and volumes. R2Gen itself shows two pictures of a record of IU X-ray, and the
            first of one of MIMIC-CXR.
Beside:     the key `vesalius` of a record keeps what the format has no place for; R2Gen takes the keys above and no other.
Split unit: the patient that `subject_id` or `vesalius` names; else the pictures of a record.
Labels:     the reports as they are in the file. Published ones are lower-cased and cleaned by their authors.
Defects:    left out, each with its list and number: missing pictures; empty reports; texts with tokens that steer a model.
            The published splits are kept as they are.
Licence:    not stated by the files.
Source:     github.com/cuhksz-nlp/R2Gen (2020), modules/datasets.py.
"""

import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO, Any

from vesalius.datasets.beside import FIELD, beside, restored
from vesalius.datasets.captions import caption_of
from vesalius.datasets.conversations import plain_text, without_masks
from vesalius.datasets.exports import Dropped
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.foreign import Source, places
from vesalius.datasets.sources import HEAD_BYTES, RecordRefused, document
from vesalius.datasets.split import Split
from vesalius.datasets.store.media import appearing
from vesalius.datasets.writing import Media, nothing_held
from vesalius.errors import InputRefused
from vesalius.types import Report, Sample, SampleImage

NAME = "r2gen"
SUFFIXES = (".json",)
SPLITS: dict[str, Split] = {"train": "train", "val": "validation", "test": "test"}


def recognizes(root: Path) -> bool:
    """Whether a JSON object begins with one of the three lists, of records with a report and pictures."""
    return bool(places(root, SUFFIXES, _fits))


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False) -> Iterator[Sample]:
    """A sample a record.

    Args:
        root: the folder, or the annotation file.
        tell: takes faults, with the list of the record and its number there (and that of the file, where there are several).
        text_alone: leave the pictures out.

    Raises:
        InputRefused: `bad_dataset`: there is no such file, or it is cut off.
    """
    found = places(root, SUFFIXES, _fits)
    if not found:
        raise InputRefused(
            "bad_dataset",
            "No JSON file in the folder has lists `train`, `val` or `test` of records with `report` and `image_path`. There is "
            "nothing to read as R2Gen's annotation. Give the folder that holds it, or name another format.",
        )
    source = Source(NAME, root, tell, text_alone=text_alone)
    for number, place in enumerate(found, start=1):
        which = f"file {number}, " if len(found) > 1 else ""
        lists = document(place)
        for name, split in SPLITS.items():
            records = lists.get(name) or []
            if not isinstance(records, list):
                raise InputRefused("bad_dataset", f"`{name}` of an annotation file is no list of records. Save it as published.")
            numbered = ((f"{which}{name} {at}", record) for at, record in enumerate(records, start=1))
            yield from source(numbered, partial(_sample, source, split))


def write(samples: Iterable[Sample], out: Path, dropped: Dropped) -> None:
    """`annotation.json` and `images/`; R2Gen reads it with `--ann_path OUT/annotation.json --image_dir OUT`.

    Args:
        samples: in order.
        out: the folder, empty.
        dropped: is told what the format cannot hold.

    Raises:
        UsageError: `bad_option`, when it can hold none of the samples.
    """
    media = Media(out, dropped)
    with ExitStack() as stack:
        lists: dict[str, IO[str]] = {}
        for name in SPLITS:
            lists[name] = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
        for sample in samples:
            caption = caption_of(sample, dropped)
            if caption is None:
                continue
            where = next((name for name, split in SPLITS.items() if split == sample.provenance.split), "train")
            if sample.provenance.split is None:
                dropped["samples without a split: they stand in train"] += 1
            held = without_masks(sample, dropped)
            paths = [media.name(shown.image) for shown in held.images]
            text = beside(held, caption, range(len(paths)), media.changed(held))
            record = {"id": held.key, "report": caption, "image_path": paths, "split": where, FIELD: text}
            file = lists[where]
            file.write((",\n" if file.tell() else "\n") + json.dumps(record, ensure_ascii=False))
        if not any(file.tell() for file in lists.values()):
            raise nothing_held(NAME, dropped)
        draft = stack.enter_context(appearing(out / "annotation.json"))
        with draft.open("w", encoding="utf-8", newline="\n") as whole:
            for name, file in lists.items():
                whole.write(f'{"{" if name == "train" else ", "}"{name}": [')
                file.seek(0)
                shutil.copyfileobj(file, whole)
                whole.write("\n]")
            whole.write("}\n")


def _fits(place: Path) -> bool:
    """By the first record alone, since the whole is one object of any size."""
    with place.open("rb") as file:
        text = file.read(HEAD_BYTES).decode("utf-8-sig", "replace")
    begin, first = text.find("["), text.find("{", 1 + text.find("{"))
    if not 0 <= begin < first or text[:begin].strip(" \t\r\n{:") not in (f'"{name}"' for name in SPLITS):
        return False
    if set(re.findall(r'"(\w+)"', text[begin:first])) - set(SPLITS):  # lists before the first record may be empty
        return False
    try:
        record, _ = json.JSONDecoder().raw_decode(text[first:])
    except (ValueError, RecursionError):
        return False
    return isinstance(record, dict) and {"report", "image_path"} <= set(record)


def _sample(source: Source, split: Split, where: str, record: Any) -> Sample:
    if not isinstance(record, dict):
        raise RecordRefused("record_malformed", "It is no object.")
    report = plain_text(record.get("report"), "The report").strip()
    if not report:
        raise RecordRefused("record_malformed", "Its report is empty.")
    paths = record.get("image_path")
    paths = [paths] if isinstance(paths, str) else paths
    if not isinstance(paths, list) or not paths or not all(isinstance(path, str) for path in paths):
        raise RecordRefused("record_malformed", "Its `image_path` is no list of names.")
    images = [] if source.text_alone else [source.open(path) for path in paths]
    patient, study = (str(record[name]) if record.get(name) else None for name in ("subject_id", "study_id"))
    key = source.key("id", str(record["id"])) if record.get("id") else source.key(where)
    provenance = source.provenance(images, key, split=split, patient=patient, study=study)
    shown = tuple(SampleImage("current", image) for image in images)
    sample = Sample(key, "annotation", shown, (), provenance, report=Report(report, ""))
    return restored(sample, record.get(FIELD), report, images, source, split)
