"""The published collections that lie below one folder, as one stream of samples with splits by patient."""

import os
from collections.abc import Iterator
from pathlib import Path

from vesalius.clinical import keys
from vesalius.datasets import bccd, compose, covid_chestxray, derived_vqa
from vesalius.errors import InputRefused, MissingFromEnvironment
from vesalius.types import Sample

TASKS = ("modality", "plane", "diagnosis", "severity", "presence", "count", "location")


def data_root(root: str | None) -> Path:
    """The folder that a recipe or a benchmark reads: the one named, or `VESALIUS_DATA`.

    Raises:
        MissingFromEnvironment: `missing_data`.
        InputRefused: `input_missing`: there is no folder of that name.
    """
    named = root or os.environ.get("VESALIUS_DATA")
    if not named:
        raise MissingFromEnvironment(
            "missing_data",
            "VESALIUS_DATA is not set. The published collections are not part of the package. "
            "Set it to the folder that holds covid_chestxray, bccd and derived_vqa.",
        )
    if not Path(named).is_dir():
        raise InputRefused("input_missing", "The data folder does not exist. Nothing can be read. Set VESALIUS_DATA to a folder.")
    return Path(named)


def read(root: str | None = None, tasks: tuple[str, ...] = TASKS) -> Iterator[Sample]:
    """Every sample of covid_chestxray, bccd and derived_vqa that lies below a folder, split by patient.

    Args:
        root: a folder that holds at least one of the collections, or is one; VESALIUS_DATA when not given.
        tasks: kinds of question to keep.

    Raises:
        MissingFromEnvironment: `missing_data`.
        InputRefused: `bad_dataset`: there is none of them, or one is malformed.
    """
    folder, found = data_root(root), False
    for reader in (covid_chestxray, bccd, derived_vqa):
        place = folder if reader is derived_vqa or reader.recognizes(folder) else folder / reader.NAME
        if not reader.recognizes(place):
            continue
        found = True
        yield from (sample for sample in reader.read(place) if sample.task in tasks)
    if not found:
        names = ", ".join(reader.NAME for reader in (covid_chestxray, bccd, derived_vqa))
        raise InputRefused("bad_dataset", f"The folder holds none of {names} in their published layout. Give one that does.")


def training(root: str | None = None, tasks: tuple[str, ...] = TASKS, most_red_cells: int = 15) -> Iterator[Sample]:
    """As `read`, and for the smears to learn from two more questions each, made from their boxes.

    Held-out smears get no further question: where the red cells are is boxed too incompletely to be scored.

    Args:
        root: a folder that holds at least one of the collections, or is one; VESALIUS_DATA when not given.
        tasks: kinds of question to keep.
        most_red_cells: smears with at most so many red cells are asked where they are; 0 for none.
    """
    yield from read(root, tasks)
    folder = data_root(root)
    place = folder if bccd.recognizes(folder) else folder / bccd.NAME
    if not bccd.recognizes(place):
        return
    for field in bccd.fields(place).values():
        if field.provenance.split != "train":
            continue
        red, platelets = field.of("red blood cell"), field.of("platelet")
        asked = [compose.how_many("platelets", platelets)] if len(platelets) <= bccd.MOST_LOCATED else []
        if 0 < len(red) <= most_red_cells:
            asked.append(compose.where("red blood cell", red, plural="red blood cells"))
        for composed in asked:
            key = f"{bccd.NAME}-{keys.key(bccd.NAME, field.file_name, composed.turns[0].text, salted=False)}"
            yield Sample(key, composed.task, (field.shown,), composed.turns, field.provenance, composed.regions)
