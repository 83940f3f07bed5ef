"""How every file of the published collections reads, as tables in Markdown: `python docs/real_files.py`.

Each file is read as an upload of its own, and each folder whose DICOM files make volumes is read once more as a whole. Rows
that are alike but for their names and sizes are one row. VESALIUS_DATA names the folder that holds the collections.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vesalius.clinical import study
from vesalius.clinical.images import suffix_of
from vesalius.errors import InputRefused
from vesalius.types import Image, Series

COLLECTIONS = ("dicom_real", "nifti_samples", "totalsegmentator", "pocus_ultrasound", "covid_chestxray", "drive_fundus")
FEW = 3  # files that are all named in one row


@dataclass(frozen=True)
class Reading:
    """How one file, or a folder of slices, reads: what rows are folded by, and its sizes."""

    name: str
    read_as: str
    warnings: tuple[str, ...]
    shape: tuple[int, ...] = ()
    spacing_mm: tuple[float, ...] | None = None
    is_refused: bool = False


def main(root: Path) -> int:
    """Print a table for each collection."""
    for collection in COLLECTIONS:
        begun = time.perf_counter()
        files = sorted(path for path in (root / collection).rglob("*") if path.is_file())
        single = [reading for path in files for reading in readings(path, root / collection)]
        together = [
            reading for folder in sorted({path.parent for path in files}) for reading in volumes(folder, root / collection)
        ]
        refused = sum(reading.is_refused for reading in single)
        seconds = time.perf_counter() - begun
        print(f"\n## {collection}\n\n{len(files)} files: {len(files) - refused} read, {refused} refused, in {seconds:.0f} s.\n")
        print("| files | read as | shape | spacing in mm | warnings |\n|---|---|---|---|---|")
        for line in rows([*single, *together]):
            print(line)
    return 0


def readings(path: Path, root: Path) -> Iterator[Reading]:
    """What one file holds; a DICOMDIR holds nothing of its own."""
    name = path.relative_to(root).as_posix()
    try:
        inventory = study.read([path])
    except InputRefused as refusal:
        yield refusal_of(name, refusal.code)
        return
    yield from (refusal_of(name, rejected.code) for rejected in inventory.rejected)
    found = [series for one in inventory.studies for series in one.series]
    if len(inventory.files) > 1:
        warned = tuple(sorted(warning.code for warning in inventory.warnings))
        yield Reading(name, f"a list of {len(inventory.files) - 1} files", warned)
        return
    for series in found:
        yield from (reading_of(name, series, image) for image in series.images or (None,))


def volumes(folder: Path, root: Path) -> Iterator[Reading]:
    """The volumes that the DICOM files of one folder make together."""
    files = [path for path in folder.iterdir() if path.is_file() and path.name != "DICOMDIR"]
    if not files:
        return
    inventory = study.read(files)
    for series in (series for one in inventory.studies for series in one.series if series.instances > 1):
        stacked = [image for image in series.images if image.kind != "image"]
        name = f"{folder.relative_to(root).as_posix()}/ ({series.instances} files together)"
        yield from (reading_of(name, series, image) for image in stacked)


def refusal_of(name: str, code: str) -> Reading:
    """A file that is refused."""
    return Reading(name, f"refused: `{code}`", (), is_refused=True)


def reading_of(name: str, series: Series, image: Image | None) -> Reading:
    """A picture of a series, or a series that holds none."""
    own = image.warnings if image else ()
    codes = tuple(sorted({warning.code for warning in (*series.warnings, *own)}))
    words = [
        series.modality,
        series.orientation if image and len(image.shape) > 2 else None,
        image.kind if image else series.kind,
    ]
    color = "in color" if image and image.channels == 3 else None
    read_as = " ".join(word for word in (*words, color) if word)
    return Reading(name, read_as, codes, image.shape if image else (), image.spacing_mm if image else None)


def rows(found: Sequence[Reading]) -> Iterator[str]:
    """Lines of a table: what differs in names and sizes alone is one."""
    alike: dict[tuple[object, ...], list[Reading]] = {}
    for one in found:
        what = (one.read_as, one.warnings, len(one.shape), one.spacing_mm is None, "together" in one.name)
        alike.setdefault(what, []).append(one)
    for same in alike.values():
        codes = ", ".join(f"`{code}`" for code in same[0].warnings)
        yield f"| {named(same)} | {same[0].read_as} | {shapes(same)} | {spacings(same)} | {codes} |"


def named(same: Sequence[Reading]) -> str:
    """A few names, or how many there are of which folders."""
    times = Counter(one.name for one in same)
    if len(times) <= FEW:
        return ", ".join(f"`{name}`" if count == 1 else f"`{name}` ({count} pictures)" for name, count in times.items())
    patterns = Counter(f"{Path(name).parent.as_posix()}/*{ending(name)}".removeprefix("./") for name in times)
    common = ", ".join(f"`{pattern}` ({count})" for pattern, count in patterns.most_common(FEW))
    rest = sum(count for _, count in patterns.most_common()[FEW:])
    return f"{len(times)} files: {common}" + (f" and {rest} elsewhere" if rest else "")


def ending(name: str) -> str:
    """What a name ends with, where that says a type."""
    last = Path(name).suffix
    return suffix_of(name) or (last if len(last) <= len(".dicom") else "")


def shapes(same: Sequence[Reading]) -> str:
    """One shape, or the smallest and the largest extent along each axis."""
    return " × ".join(span([one.shape[axis] for one in same], "{:d}") for axis in range(len(same[0].shape)))


def spacings(same: Sequence[Reading]) -> str:
    """One spacing, or the extremes along each axis."""
    known = [one.spacing_mm for one in same if one.spacing_mm is not None]
    if not known:
        return "" if not same[0].shape else "unknown"
    return " × ".join(span([spacing[axis] for spacing in known], "{:.3g}") for axis in range(len(known[0])))


def span(values: Sequence[float], form: str) -> str:
    """One value, or the smallest and the largest."""
    low, high = form.format(min(values)), form.format(max(values))
    return low if low == high else f"{low}–{high}"


if __name__ == "__main__":
    place = os.environ.get("VESALIUS_DATA")
    sys.exit(main(Path(place)) if place else "VESALIUS_DATA is not set: the collections are not at hand")
