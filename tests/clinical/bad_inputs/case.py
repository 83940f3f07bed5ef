"""One bad input: what it is, how it is made, and what has to become of it."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

# Stands in every name, number and free text of every file, in the names of the files and of the folder: it may appear nowhere.
CANARY = "ZZCANARY^QX"
CANARY_WORD = "ZZCANARY"
NAME = "ZZCANARY_QX"  # file names begin with it

Array = np.ndarray[Any, Any]
Behavior = Literal[
    "refused",  # each file of the case is in `rejected` with exactly `code`, or the whole call is refused with it
    "refused_at_load",  # the header is read; `load()` raises it
    "refused_by_load",  # refused while reading or while loading, whichever sees it first
    "refused_by_ask",  # listed under `kind`; `ask.look_up` raises it
    "part_refused",  # `rejected` holds `code`, and the rest of the case is read and has `values`
    "warned",  # read; a picture, series, study or the inventory has the warning; `values` hold where given
    "warned_by_ask",  # what is shown to a model carries the warning
    "golden",  # read without `code`, with `values`
    "golden_or_refused",  # read with `values`, or refused with `code`
    "survived",  # read or refused with any code; what loads has the shape that it states
]


@dataclass(frozen=True, eq=False)
class Case:
    """A bad input of NEEDS' list.

    Attributes:
        group: its number there.
        name: unique within the group.
        build: writes the files into an empty folder.
        code: what is refused or warned; for `golden` a warning that must not be there.
        behavior: see above.
        values: the pixels of the picture that is chosen, as `load()` gives them.
        tolerance: how far values may be off, for lossy codecs.
        kind: of the chosen series, or of the only one where nothing is chosen.
        spacing_mm: "unknown" where it must be None.
        affine: "unknown" where it must be None.
        window: the display window; "unknown" where it must be None.
        inverted: whether low values are bright.
        readable_part: leading index (frame or slice) that loads although the whole does not, and `values` of it.
        box_yxyx_px: what of a slide is read, where not all of it.
        other_code: another code that is as good.
        needs: path below the published data, without which the case is skipped.
        alone: nothing may be laid beside it, because what is beside changes the answer.
    """

    group: int
    name: str
    build: Callable[[Path], None]
    code: str
    behavior: Behavior = "refused"
    values: Array | None = None
    tolerance: float = 0.0
    kind: str | None = None
    spacing_mm: tuple[float, ...] | Literal["unknown"] | None = None
    affine: Literal["unknown"] | None = None
    window: tuple[float, float] | Literal["unknown"] | None = None
    inverted: bool | None = None
    readable_part: tuple[int, ...] | None = None
    box_yxyx_px: tuple[int, int, int, int] | None = None
    other_code: str | None = None
    needs: str | None = None
    alone: bool = False

    def needs_path(self) -> Path | None:
        """What the case needs of the published data, where it is at hand."""
        place = os.environ.get("VESALIUS_DATA")
        if place is None or self.needs is None:
            return None
        root = Path(place)
        found = (root / "public" if (root / "public").is_dir() else root) / self.needs
        return found if found.exists() else None

    @property
    def codes(self) -> frozenset[str]:
        """All codes that fit."""
        return frozenset(filter(None, (self.code, self.other_code)))

    def __str__(self) -> str:
        return f"{self.group:02d}-{self.name}"
