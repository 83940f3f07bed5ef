"""Which series of a study is read, and which part of a picture is shown: rules with a name and a version.

A rule never changes under its name: another rule gets another version, so that an answer can say by which it was made.
Printed, a rule explains itself.
"""

import math
from dataclasses import dataclass, replace

from vesalius.types import Image, Part, Series, Study

SMALLEST_SHOWN_PX = 16  # a side of what is shown


@dataclass(frozen=True)
class Rule:
    """A rule of choice: its name, its version, and what it says."""

    name: str
    version: int
    says: str

    @property
    def label(self) -> str:
        """How answers name it."""
        return f"{self.name} v{self.version}"

    def __str__(self) -> str:
        return f"{self.label}: {self.says}"


# v1 took the volumes of a four-dimensional series for slices.
LARGEST_ORIGINAL = Rule(
    "largest_original",
    2,
    "Of the series of a study that hold pictures, one is read. Series that were acquired to be read come before those that "
    "were computed from others, these before screenshots and photographs, and localizers come last. Among equals the one "
    "with the most slices, frames or pictures is read (of a series over time all slices of all times count), then the one "
    "with the most pixels, then the first.",
)
# v1 knew no series of volumes and no slides.
MIDDLE_SLICE = Rule(
    "middle_slice",
    2,
    "A model that takes pictures is shown one plane: of a volume the middle slice, of a series of volumes the middle slice of "
    "the first volume, of a clip the middle frame (of an even number the later of the two in the middle); of a slide its "
    f"coarsest level whose sides have at least {SMALLEST_SHOWN_PX} pixels. A picture is shown whole.",
)
_LAST_RESORT = {
    "localizer": "a localizer",
    "secondary_capture_low_trust": "a screenshot or photograph",
    "derived": "computed from other pictures",
}


def choose(study: Study) -> Study:
    """Mark the series that is read, by the rule `LARGEST_ORIGINAL`, and say of each series why.

    A study without pictures has none chosen.
    """
    ranked = sorted(range(len(study.series)), key=lambda i: (*_rank(study.series[i]), i))
    if not ranked or not study.series[ranked[0]].images:
        return replace(study, series=tuple(replace(series, chosen=False, why=_no_picture(series)) for series in study.series))
    best = ranked[0]
    marked = [
        replace(series, chosen=index == best, why=_why(series, study.series[best], alone=len(ranked) == 1))
        for index, series in enumerate(study.series)
    ]
    return replace(study, series=tuple(marked))


def shown_part(image: Image) -> Part:
    """The plane that stands for a picture of any kind, by the rule `MIDDLE_SLICE`; an empty `Part` for a picture itself."""
    if image.kind == "slide":
        large_enough = (level for level in range(len(image.levels)) if min(image.levels[level]) >= SMALLEST_SHOWN_PX)
        return Part(level=max(large_enough, default=0))
    leading = image.shape[:-2]
    return Part(index=(*[0] * (len(leading) - 1), *(length // 2 for length in leading[-1:])))


def _rank(series: Series) -> tuple[int, int, int, int]:
    """Smallest is best."""
    planes = max((math.prod(image.shape[:-2]) for image in series.images), default=0)
    pixels = max((math.prod(image.shape) for image in series.images), default=0)
    return (0 if series.images else 1, _doubt(series), -max(planes, len(series.images)), -pixels)


def _doubt(series: Series) -> int:
    """0 for what was acquired to be read; a localizer ranks last."""
    codes = {warning.code for image in series.images for warning in image.warnings}
    found = [rank for rank, code in enumerate(reversed(_LAST_RESORT), 1) if code in codes]
    return max(found, default=0)


def _why(series: Series, best: Series, *, alone: bool) -> str:
    if series is best:
        if alone:
            return "the only series"
        return "the best there is" if _doubt(best) else "the largest of those acquired to be read"
    if not series.images:
        return _no_picture(series)
    if _doubt(series) > _doubt(best):
        codes = {warning.code for image in series.images for warning in image.warnings}
        return "not chosen: " + next(words for code, words in _LAST_RESORT.items() if code in codes)
    return "not chosen: not larger than the chosen one"


def _no_picture(series: Series) -> str:
    return f"holds no picture ({series.kind})"
