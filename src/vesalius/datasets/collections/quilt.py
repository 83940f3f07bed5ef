"""quilt: pictures of histopathology out of lessons in video, papers and the web, with texts (Quilt-1M).

What:       one table of pairs.
Layout:     `quilt_1M_lookup.csv` with caption, image_path, subset, split, pathology, roi_text, magnification and others; pictures
            lie below the same folder. With `text_alone` the pictures are left out.
Split unit: the source video or paper, which is the picture's name up to "_image" (else the picture). The split is the table's.
Labels:     captions made by programs from what is said beside the pictures; `pathology` names the field.
Defects:    one picture stands in several rows with different texts; each row is a sample.
Samples:    one annotation a row, the caption as its report's findings, its field as `provenance.site`.
Licence:    as its publisher states; not looked up.
Source:     quilt1m.github.io; Ikezogwo et al. 2023, arXiv 2306.11207.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vesalius.clinical import keys
from vesalius.datasets.compose import questions
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.foreign import Source, places, split_named
from vesalius.datasets.sources import RecordRefused, columns, table
from vesalius.errors import InputRefused
from vesalius.types import Provenance, Report, Sample, SampleImage

NAME = "quilt"
LICENCE = "as its publisher states"
_COLUMNS = {"caption", "image_path", "subset", "split", "pathology"}


def recognizes(root: Path) -> bool:
    """Whether `root` is, or holds, a table with the published columns."""
    return bool(_files(root))


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False) -> Iterator[Sample]:
    """Every pair.

    Args:
        root: the folder, or the table.
        tell: takes faults.
        text_alone: leave the pictures out.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    found = _files(root)
    if not found:
        raise InputRefused(
            "bad_dataset", "No table of the folder has Quilt-1M's columns. There is nothing to read. Give quilt_1M_lookup.csv."
        )
    source = Source(NAME, root, tell, text_alone=text_alone)
    for place in found:
        yield from source(table(place), lambda _, row: _sample(row, source))


def _files(root: Path) -> list[Path]:
    return places(root, (".csv",), lambda place: set(columns(place)) >= _COLUMNS)


def _sample(row: Any, source: Source) -> Sample:
    name, caption = row["image_path"].strip(), row["caption"].strip()
    if not name or not caption:
        raise RecordRefused("answer_missing" if name else "record_malformed", "It has no picture or no caption.")
    if questions.has_placeholder(caption):
        raise RecordRefused("special_token", "Its caption holds our own placeholders.")
    shown = () if source.text_alone else (SampleImage("current", source.pictures.open(name, modality="SM")),)
    origin = Path(name).name.partition("_image")[0]
    patient, study = keys.key(NAME, origin, salted=False), keys.key(NAME, name, salted=False)
    split = split_named(row.get("split", ""))
    provenance = Provenance(
        NAME, LICENCE, patient, study, row.get("subset", ""), split, row.get("pathology", "").strip("[]' ") or None
    )
    return Sample(source.unique(f"{NAME}-{study}"), "annotation", shown, (), provenance, report=Report(caption, ""))
