"""Pictures with one text each, for formats that hold nothing else: what the text is, and one picture after another."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from vesalius.datasets.conversations import not_to_be_written
from vesalius.datasets.exports import Dropped
from vesalius.types import Kind, Report, Sample


def caption_of(sample: Sample, dropped: Dropped, *, kinds: Sequence[Kind] = ("image",)) -> str | None:
    """The text that goes with a sample's pictures: its report; None where there is none, or no picture to show; counted."""
    for shown in sample.images:
        if shown.image.kind not in kinds:
            dropped[f"samples about a {shown.image.kind}: the format has no place for one"] += 1
            return None
    if not sample.images:
        dropped["samples without a picture: the format holds pictures with a text"] += 1
        return None
    if sample.report is None or not (text := text_of(sample.report)):
        dropped["samples without a report or caption: the format holds one text a picture"] += 1
        return None
    if not_to_be_written(text):
        dropped["samples whose texts hold tokens that steer a model, or characters that no text has"] += 1
        return None
    if sample.turns:
        dropped["questions and answers: programs of the format read one text"] += 1
    if sample.report.findings.strip() and sample.report.impression.strip():
        dropped["findings and impression: programs of the format read them as one text"] += 1
    return text


def text_of(report: Report) -> str:
    """Findings, then impression, as one text."""
    return " ".join(part.strip() for part in (report.findings, report.impression) if part.strip())


def apart(sample: Sample, dropped: Dropped) -> Iterator[Sample]:
    """A sample for each picture, with the regions in it and what was measured there; as it is when it has only one."""
    if len(sample.images) == 1:
        yield sample
        return
    dropped["samples with several pictures: one record a picture"] += 1
    for index, shown in enumerate(sample.images):
        kept = [number for number, region in enumerate(sample.regions) if region.image == index]
        measured = [found for found in sample.measurements if found.region is None or found.region in kept]
        yield replace(
            sample,
            key=f"{sample.key}-{index}",
            images=(shown,),
            turns=(),
            preference=None,
            regions=tuple(replace(sample.regions[number], image=0) for number in kept),
            measurements=tuple(m if m.region is None else replace(m, region=kept.index(m.region)) for m in measured),
        )
