"""pmc_oa: figures and subfigures of open-access biomedical papers with their captions (PMC-CLIP).

What:       JSON lines, one a figure.
Layout:     `pmc_oa.jsonl` or `pmc_oa_beta.jsonl` (and `train.jsonl` and its like) with image, caption and, mostly, alignment_type
            and alignment_score; pictures lie below the same folder. With `text_alone` the pictures are left out.
Split unit: the paper, which is the figure's name up to its first underscore. The split is that of the file's name, else none.
Labels:     captions by the authors of the papers, cut to the subfigure by a program.
Defects:    captions cut by a program may belong to a neighbor; empty ones are told.
Samples:    one annotation a figure, the caption as its report's findings.
Licence:    as each paper states; not looked up.
Source:     huggingface.co/datasets/axiong/pmc_oa; Lin et al. 2023, arXiv 2303.07240.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vesalius.clinical import keys
from vesalius.datasets.compose import questions
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.foreign import Source, places, split_of, streamed
from vesalius.datasets.sources import RecordRefused, first_record
from vesalius.datasets.split import Split
from vesalius.errors import InputRefused
from vesalius.types import Provenance, Report, Sample, SampleImage

NAME = "pmc_oa"
LICENCE = "as the paper of the picture states"


def recognizes(root: Path) -> bool:
    """Whether `root` is, or holds, such lines."""
    return bool(_files(root))


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False) -> Iterator[Sample]:
    """Every figure with its caption.

    Args:
        root: the folder, or one file of lines.
        tell: takes faults.
        text_alone: leave the pictures out.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    found = _files(root)
    if not found:
        raise InputRefused(
            "bad_dataset",
            "No file of the folder holds PMC-OA's lines. There is nothing to read. Give the folder with pmc_oa.jsonl.",
        )
    source = Source(NAME, root, tell, text_alone=text_alone)
    for number, place in enumerate(found, start=1):
        split, which = split_of(place, root), f"file {number}, " if len(found) > 1 else ""
        yield from source(streamed(place, tell, which), lambda _, record, split=split: _sample(record, split, source))  # type: ignore[misc]


def _files(root: Path) -> list[Path]:
    return places(root, (".jsonl",), _fits)


def _fits(place: Path) -> bool:
    one = first_record(place)
    named = isinstance(one, dict) and isinstance(one.get("image"), str) and isinstance(one.get("caption"), str)
    return named and ("alignment_type" in one or place.name.startswith("pmc_oa"))


def _sample(record: Any, split: Split | None, source: Source) -> Sample:
    if not isinstance(record, dict) or not isinstance(record.get("image"), str):
        raise RecordRefused("record_malformed", "It is no object with a picture's name.")
    caption = str(record.get("caption") or "").strip()
    if not caption:
        raise RecordRefused("answer_missing", "Its caption is empty.")
    if questions.has_placeholder(caption):
        raise RecordRefused("special_token", "Its caption holds our own placeholders.")
    shown = () if source.text_alone else (SampleImage("current", source.open(record["image"])),)
    paper = Path(record["image"]).name.partition("_")[0]
    patient, study = keys.key(NAME, paper, salted=False), keys.key(NAME, record["image"], salted=False)
    provenance = Provenance(NAME, LICENCE, patient, study, "caption", split)
    return Sample(source.unique(f"{NAME}-{study}"), "annotation", shown, (), provenance, report=Report(caption, ""))
