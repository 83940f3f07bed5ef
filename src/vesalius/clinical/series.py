"""Which series of a study is read, and which slice of a volume is shown: rules with a name and a version.

A rule never changes under its name: another rule gets another version, so that an answer can say by which it was made.
"""

import math
from dataclasses import dataclass, replace

from vesalius.types import Image, Series, Study

_LAST_RESORT = {"localizer": "a localizer", "derived": "computed from other pictures", "secondary_capture": "a secondary capture"}


@dataclass(frozen=True)
class SeriesChoice:
    """The name and version of a rule that chooses a series."""

    name: str
    version: int


@dataclass(frozen=True)
class SlicePolicy:
    """The name and version of a rule that chooses a slice."""

    name: str
    version: int


LARGEST_ORIGINAL = SeriesChoice("largest_original", 1)
MIDDLE_SLICE = SlicePolicy("middle_slice", 1)


def choose(study: Study) -> Study:
    """Mark the series that is read, by the rule `LARGEST_ORIGINAL`, and say of each series why.

    Of the series that hold pictures: the acquired before the computed, a localizer last; then the most slices or
    pictures, then the most pixels, then the first. A study without pictures has none chosen.
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


def shown_slice(image: Image) -> int:
    """The index of the slice or frame that stands for a volume or clip, by the rule `MIDDLE_SLICE`; 0 for a picture."""
    return image.shape[0] // 2 if image.kind in ("volume", "clip") else 0


def _rank(series: Series) -> tuple[int, int, int, int]:
    """Smallest is best."""
    slices = max((image.shape[0] if image.kind in ("volume", "clip") else 1 for image in series.images), default=0)
    pixels = max((math.prod(image.shape) for image in series.images), default=0)
    return (0 if series.images else 1, _doubt(series), -max(slices, len(series.images)), -pixels)


def _doubt(series: Series) -> int:
    """0 for what was acquired to be read; a localizer ranks last."""
    codes = {warning.code for image in series.images for warning in image.warnings}
    return 3 if "localizer" in codes else 2 if "secondary_capture" in codes else 1 if "derived" in codes else 0


def _why(series: Series, best: Series, *, alone: bool) -> str:
    if series is best:
        return (
            "the only series"
            if alone
            else "the largest of those acquired to be read"
            if not _doubt(best)
            else "the best there is"
        )
    if not series.images:
        return _no_picture(series)
    if _doubt(series) > _doubt(best):
        codes = {warning.code for image in series.images for warning in image.warnings}
        return "not chosen: " + next(words for code, words in _LAST_RESORT.items() if code in codes)
    return "not chosen: not larger than the chosen one"


def _no_picture(series: Series) -> str:
    return f"holds no picture ({series.kind})"
