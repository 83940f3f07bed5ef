"""Samples made from another: its patient, split and licence, a key that leads back to it, and which annotation it rests on."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256

from vesalius.types import Measurement, Preference, Region, Report, Sample, SampleImage, Turn


class Talk:
    """A question and its answer while they are being written: regions get their numbers as they are first named."""

    def __init__(self) -> None:
        self.regions: list[Region] = []

    def mark(self, region: Region) -> str:
        """`<region:i>` of a region of the conversation."""
        if region not in self.regions:
            self.regions.append(region)
        return f"<region:{self.regions.index(region)}>"

    def marks(self, regions: Iterable[Region]) -> str:
        """Several, one behind the other."""
        return " ".join(self.mark(region) for region in regions)

    def turns(self, question: str, answer: str, *, pictures: int = 1) -> tuple[Turn, Turn]:
        """The two turns; the first `pictures` pictures are shown before the question."""
        shown = " ".join([*(f"<image:{index}>" for index in range(pictures)), question])
        return Turn("user", shown), Turn("assistant", answer)


def made(
    source: Sample,
    engine: str,
    what: str,
    *,
    task: str,
    turns: tuple[Turn, ...],
    images: tuple[SampleImage, ...],
    regions: Sequence[Region] = (),
    measurements: Sequence[Measurement] = (),
    options: tuple[str, ...] = (),
    preference: Preference | None = None,
    report: Report | None = None,
) -> Sample:
    """A sample of an engine. It is about the source's patient, in the source's split, under the source's licence.

    Args:
        source: the annotated sample.
        engine: the file that made it.
        what: which fact of the source, unique among what this engine makes of it: "count of nodule, regions 3 5".
        task: kind of question.
        turns: the conversation.
        images: those that are shown, with `regions` counting in them.
        regions: in the order in which the turns number them.
        measurements: with `region` counting in `regions`.
        options: of a multiple choice.
        preference: of a pair.
        report: where the sample is about one.
    """
    digest = sha256(what.encode()).hexdigest()[:10]
    origin = f"{engine} from {source.key}: {what}"
    if source.provenance.annotation:
        origin = f"{origin} ({source.provenance.annotation})"
    return Sample(
        key=f"{source.key}-{engine}-{digest}",
        task=task,
        images=images,
        turns=turns,
        provenance=replace(source.provenance, annotation=origin),
        regions=tuple(regions),
        measurements=tuple(measurements),
        labels=source.labels,
        report=report,
        preference=preference,
        options=options,
    )


class Again:
    """Samples that can be gone through more than once: a list is, a generator is kept in memory."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples: Iterable[Sample] = list(samples) if iter(samples) is samples else samples

    def __iter__(self) -> Iterator[Sample]:
        return iter(self._samples)
