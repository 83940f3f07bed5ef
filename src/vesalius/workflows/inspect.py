"""What is in files and folders: studies, series, geometry, warnings, and which series would be read."""

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vesalius.clinical import study
from vesalius.clinical.stack import merged
from vesalius.errors import EXIT_DONE, EXIT_PARTIAL, EXIT_REFUSED, UsageError
from vesalius.types import CodedWarning, Series
from vesalius.workflows.outcome import Outcome

SHOWN_SERIES = 24
SHOWN_REJECTED = 8


def inspect(paths: Sequence[Path], *, map_file: Path | None = None) -> Outcome:
    """Read all headers below `paths` and no pixels.

    Exit 0 when every file could be read, 4 when some could not, 3 when none could.

    Args:
        paths: files and folders.
        map_file: where to write which index is which file, as JSON, readable by its owner only.

    Raises:
        InputRefused: `input_missing` or `input_empty`.
        UsageError: `bad_option` when the map cannot be written.
    """
    inventory = study.read(paths)
    if map_file is not None:
        _write_map(map_file, inventory.files)
    data = inventory.to_json()
    if inventory.studies:
        return Outcome(data, _text(inventory), EXIT_PARTIAL if inventory.rejected else EXIT_DONE)
    return Outcome({**_refusal(inventory), **data}, _text(inventory), EXIT_REFUSED)


def _write_map(path: Path, files: Sequence[Path]) -> None:
    """Write to a new file, so that nobody has it open already, and put it in the place of an older one."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump({str(index): os.fsdecode(place) for index, place in enumerate(files)}, file, indent=1)
        draft.replace(path)
    except OSError as error:
        raise UsageError(
            "bad_option", "The file of --map cannot be written there. Name a place in a folder that exists."
        ) from error


def _refusal(inventory: study.Inventory) -> dict[str, Any]:
    """Nothing could be read: CONTRACTS' error, with every file as a problem."""
    codes = {rejected.code for rejected in inventory.rejected}
    problems = [{"key": rejected.item, "message": rejected.message, "allowed": []} for rejected in inventory.rejected]
    if len(codes) == 1:
        first = inventory.rejected[0]
        return {"error": {"code": first.code, "message": first.message, "problems": problems}}
    message = f"None of {len(problems)} files holds a picture that can be read. Each is listed with its reason."
    return {"error": {"code": "no_image", "message": message, "problems": problems}}


def _text(inventory: study.Inventory) -> str:
    found = [series for one in inventory.studies for series in one.series]
    patients = len({one.patient_key for one in inventory.studies})
    counts = [
        _count(patients, "patient"),
        _count(len(inventory.studies), "study", "studies"),
        _count(len(found), "series", "series"),
    ]
    lines = [", ".join(counts) + ", names hidden"] if found else ["nothing that can be read"]
    number = 0
    for one in inventory.studies:
        if number < SHOWN_SERIES:
            lines.append(f"study {one.study_key} of patient {one.patient_key}")
        for series in one.series:
            number += 1
            if number <= SHOWN_SERIES:
                lines += _series_lines(series, number)
    if number > SHOWN_SERIES:
        lines += [f"… and {number - SHOWN_SERIES} series more (--json lists all)", *_folded(found[SHOWN_SERIES:])]
    lines += [f"! {warning.message}" for warning in inventory.warnings]
    return "\n".join([*lines, *_rejected_lines(inventory.rejected)])


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _series_lines(series: Series, number: int) -> list[str]:
    """`#2 CT axial volume 512x512x143, 0.7x0.7x2.5 mm -> chosen: …`: columns, rows, slices, as people say it."""
    words = [f"  #{number}", series.modality or "modality unknown", series.orientation or "", series.kind]
    if series.images:
        first = series.images[0]
        words.append("x".join(map(str, reversed(first.shape))))
        if first.view:
            words.append(first.view)
        words.append(
            "x".join(f"{value:.3g}" for value in reversed(first.spacing_mm)) + " mm" if first.spacing_mm else "size unknown"
        )
        if first.frame_s:
            words.append(f"{first.frame_s * 1000:.3g} ms a frame")
        if len(series.images) > 1:
            words.append(f"(first of {len(series.images)} pictures)")
    said = f"-> chosen: {series.why}" if series.chosen else f"({series.why})"
    line = " ".join(word for word in (*words, said) if word)
    return [line, *(f"     ! {warning.message}" for warning in _warnings(series))]


def _warnings(series: Series) -> tuple[CodedWarning, ...]:
    return (*series.warnings, *merged([image.warnings for image in series.images]))


def _folded(hidden: Sequence[Series]) -> list[str]:
    counts = Counter(warning.code for series in hidden for warning in _warnings(series))
    return [f"     ! {code} in {_count(number, 'series', 'series')} of these" for code, number in counts.most_common()]


def _rejected_lines(rejected: Sequence[study.Rejected]) -> list[str]:
    if not rejected:
        return []
    lines = [f"not read: {_count(len(rejected), 'file')} (index and hash; --map FILE says which)"]
    lines += [f"  {one.item} {one.code}: {one.message}" for one in rejected[:SHOWN_REJECTED]]
    if len(rejected) > SHOWN_REJECTED:
        counts = Counter(one.code for one in rejected[SHOWN_REJECTED:])
        lines.append("  … and " + ", ".join(f"{number} {code}" for code, number in counts.most_common()))
    return lines
