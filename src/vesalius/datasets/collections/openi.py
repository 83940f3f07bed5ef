"""openi: the Indiana collection of chest radiographs and their reports, as the National Library of Medicine publishes it.

What:       reports as XML, one a study, with MeSH terms, and their frontal and lateral pictures.
Layout:     reports `*.xml` (`ecgen-radiology/1.xml`, …) whose sections are `AbstractText` with a `Label`, and whose pictures are
            `parentImage` elements with an `id`; pictures `<id>.png` (NLMCXR_png) or `.jpg` anywhere below the same folder.
            With `text_alone` the pictures are left out.
Split unit: the study; the collection names no patients. There is no published split.
Labels:     `major` MeSH terms, set by people, as `present`; "normal" stands for itself. Terms that are not named were not looked
            for. `automatic` terms are not read.
Defects:    reports without findings and without impression are told. In the texts "XXXX" stands for what was taken out.
Samples:    one annotation a study: all its pictures, the report, and the labels.
Licence:    as its publisher states; not looked up.
Source:     openi.nlm.nih.gov; Demner-Fushman et al. 2016.
"""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vesalius.clinical import keys
from vesalius.datasets.compose import questions
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.foreign import Source
from vesalius.datasets.sources import Files, RecordRefused
from vesalius.errors import InputRefused
from vesalius.types import Finding, Image, Provenance, Report, Sample, SampleImage

NAME = "openi"
LICENCE = "as its publisher states"
MOST_BYTES = 1 << 20  # of one report
LOOKED_AT = 4
_MARKS = (b"<eCitation", b"AbstractText")


def recognizes(root: Path) -> bool:
    """Whether XML reports of the collection lie below `root`."""
    if not root.is_dir():
        return False
    some = [place for pattern in ("*.xml", "*/*.xml", "*/*/*.xml") for place in sorted(root.glob(pattern))[:LOOKED_AT]]
    return any(all(mark in _head(place) for mark in _MARKS) for place in some[:LOOKED_AT])


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False) -> Iterator[Sample]:
    """Every study.

    Args:
        root: the folder with reports and pictures below it.
        tell: takes faults.
        text_alone: leave the pictures out.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    reports = [place for place in Files(root).having((".xml",)) if all(mark in _head(place) for mark in _MARKS)]
    if not reports:
        raise InputRefused(
            "bad_dataset", "No XML report of OpenI lies below the folder. There is nothing to read. Give the one that holds them."
        )
    source = Source(NAME, root, tell, text_alone=text_alone)
    found = ((f"report {number}", place) for number, place in enumerate(reports, start=1))
    yield from source(found, lambda _, place: _sample(place, source))


def _head(place: Path) -> bytes:
    with place.open("rb") as file:
        return file.read(MOST_BYTES)


def _sample(place: Any, source: Source) -> Sample:
    content = place.read_bytes()[: MOST_BYTES + 1]
    if len(content) > MOST_BYTES or b"<!ENTITY" in content:
        raise RecordRefused("record_malformed", "The report is larger than any of the collection, or declares entities.")
    try:
        tree = ElementTree.fromstring(content)
    except ElementTree.ParseError as wrong:
        raise RecordRefused("record_malformed", "The report is not well-formed XML.") from wrong
    sections = {str(part.get("Label", "")).upper(): (part.text or "").strip() for part in tree.iter("AbstractText")}
    findings, impression = sections.get("FINDINGS", ""), sections.get("IMPRESSION", "")
    if not findings and not impression:
        raise RecordRefused("answer_missing", "The report has neither findings nor an impression.")
    if questions.has_placeholder(findings + impression):
        raise RecordRefused("special_token", "Its text holds our own placeholders.")
    names = [str(part.get("id")) for part in tree.iter("parentImage") if part.get("id")]
    images = [] if source.text_alone else [_open(source, name) for name in names]
    identity = next((part.get("id") or "" for part in tree.iter("uId")), "") or place.stem
    study = keys.key(NAME, identity, salted=False)
    labels: dict[str, Finding] = {}
    for part in tree.iter("major"):
        if term := (part.text or "").strip().lower():
            labels[term] = "present"
    provenance = Provenance(NAME, LICENCE, study, study, "report and major MeSH terms")
    shown = tuple(SampleImage("current", image) for image in images)
    report = Report(findings, impression)
    return Sample(source.unique(f"{NAME}-{study}"), "annotation", shown, (), provenance, labels=labels, report=report)


def _open(source: Source, name: str) -> Image:
    """A picture by its id: PNG as published today, JPEG as before."""
    for suffix in (".png", ".jpg"):
        if f"{name}{suffix}" in source.files:
            return source.pictures.open(f"{name}{suffix}", modality="XR")
    raise RecordRefused("media_missing", "A picture that the report names does not lie below the folder.")
