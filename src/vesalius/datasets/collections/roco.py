"""roco: figures of radiology out of open-access papers with their captions, versions 1 and 2.

What:       pictures with one caption each, and UMLS concepts.
Layout:     version 2: `{train,valid,test}_captions.csv` with ID and Caption, `{train,valid,test}_concepts.csv` with ID and CUIs,
            pictures `<ID>.jpg` below the same folder. Version 1: `{train,validation,test}/radiology/captions.txt`, a name, a tab
            and the caption a line, pictures `<name>.jpg`. With `text_alone` the pictures are left out.
Split unit: the picture: papers and patients are not named. Splits as published.
Labels:     captions by the authors of the papers. Concepts were found by a program and become labels under their code.
Defects:    captions speak of panels and arrows that a picture alone may not show.
Samples:    one annotation a picture, the caption as its report's findings.
Licence:    as each paper states; not looked up.
Source:     github.com/razorx89/roco-dataset; zenodo.org, ROCOv2; Rueckert et al. 2024.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vesalius.clinical import keys
from vesalius.datasets.compose import questions
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.foreign import Source, split_of
from vesalius.datasets.sources import RecordRefused, columns, table
from vesalius.datasets.split import Split
from vesalius.errors import InputRefused
from vesalius.types import Finding, Provenance, Report, Sample, SampleImage

NAME = "roco"
LICENCE = "as the paper of the picture states"
SPLITS = ("train", "valid", "validation", "test")
MOST_LINE = 1 << 20


def recognizes(root: Path) -> bool:
    """Whether `root` has the layout of either version."""
    return root.is_dir() and bool(_captions(root) or _lists(root))


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False) -> Iterator[Sample]:
    """Every picture with its caption.

    Args:
        root: the folder with the splits.
        tell: takes faults.
        text_alone: leave the pictures out.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    if not recognizes(root):
        raise InputRefused(
            "bad_dataset", "The folder has neither ROCOv2's tables of captions nor ROCO's lists. Give the one with the splits."
        )
    source = Source(NAME, root, tell, text_alone=text_alone)
    for place in _captions(root):
        concepts = _concepts(place.with_name(place.name.replace("captions", "concepts")))
        rows = ((f"{where} of {place.name}", (row.get("ID", ""), row.get("Caption", ""))) for where, row in table(place))
        yield from source(rows, _Making(source, split_of(place, root), concepts))
    for place in _lists(root):
        name = f"{place.parents[1].name}/{place.parent.name}/captions.txt"
        lines = ((f"{where} of {name}", pair) for where, pair in _lines(place))
        yield from source(lines, _Making(source, split_of(place.parent, root), {}))


class _Making:
    """Makes samples of the pictures of one split."""

    def __init__(self, source: Source, split: Split | None, concepts: Mapping[str, tuple[str, ...]]) -> None:
        self.source, self.split, self.concepts = source, split, concepts

    def __call__(self, where: str, pair: Any) -> Sample:
        name, caption = (part.strip() for part in pair)
        if not name or not caption:
            raise RecordRefused("answer_missing" if name else "record_malformed", "It has no name or no caption.")
        if questions.has_placeholder(caption):
            raise RecordRefused("special_token", "Its caption holds our own placeholders.")
        shown = () if self.source.text_alone else (SampleImage("current", self.source.pictures.open(f"{name}.jpg")),)
        patient, study = keys.key(NAME, name, salted=False), keys.key(NAME, name, "study", salted=False)
        labels: dict[str, Finding] = dict.fromkeys(self.concepts.get(name, ()), "present")
        provenance = Provenance(NAME, LICENCE, patient, study, "caption", self.split)
        key = self.source.unique(f"{NAME}-{patient}")
        return Sample(key, "annotation", shown, (), provenance, labels=labels, report=Report(caption, ""))


def _captions(root: Path) -> list[Path]:
    found = [root / f"{split}_captions.csv" for split in SPLITS]
    return [place for place in found if place.is_file() and {"ID", "Caption"} <= set(columns(place))]


def _lists(root: Path) -> list[Path]:
    found = [root / split / kind / "captions.txt" for split in SPLITS for kind in ("radiology", "non-radiology")]
    return [place for place in found if place.is_file()]


def _concepts(place: Path) -> dict[str, tuple[str, ...]]:
    if not place.is_file():
        return {}
    return {row.get("ID", ""): tuple(filter(None, row.get("CUIs", "").split(";"))) for _, row in table(place)}


def _lines(place: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    with place.open(encoding="utf-8-sig", errors="surrogateescape") as lines:
        for number, line in enumerate(iter(lambda: lines.readline(MOST_LINE), ""), start=1):
            if line.strip():
                name, _, caption = line.partition("\t")
                yield f"line {number}", (name, caption)
