"""kermany: chest radiographs of children: normal, bacterial pneumonia, viral pneumonia.

What:       5,856 frontal radiographs of children of one to five years, of the Guangzhou Women and Children's Medical Center.
Layout:     `train/`, `test/` and in some copies `val/`, each with folders of classes (NORMAL and PNEUMONIA; or Normal,
            Bacterial, Viral-Other), at most one folder below the source (`chest_xray/`). A file's name states patient and
            cause: `person1_bacteria_1.jpeg`; normal ones are `IM-0115-0001.jpeg` and `NORMAL2-IM-…`. The table of CoronaHack,
            `Chest_xray_Corona_Metadata.csv`, is compared with that where it is there. Read with any number of pictures.
Split unit: the number behind "person", or behind "IM"; all pictures of a number have one key. Splits are those of the
            folders; `vesalius data split` makes others that keep a number together.
Labels:     two physicians read each, a third checked the test set. "pneumonia" is present or absent; where the name states
            it, so are "bacterial pneumonia" and "viral pneumonia".
Defects:    file names, and in part sizes, tell the label. `val/` has 16 pictures. Copies were divided anew by picture: in one
            of 125 pictures, three children have pictures with consecutive numbers in both train and test, and the table
            states another split than the folder for 38.
Samples:    a picture with its labels; view AP.
Licence:    CC BY 4.0.
Source:     Kermany, Zhang, Goldbaum 2018, Mendeley Data, doi 10.17632/rscbjbr9sj; Kermany et al. 2018, Cell 172(5): 1122.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Literal

from vesalius.clinical import keys
from vesalius.clinical.upload import files_below
from vesalius.datasets.faults import Fault, Tell, refuse
from vesalius.datasets.sources import Files, Pictures, RecordRefused, table
from vesalius.errors import InputRefused
from vesalius.types import Finding, Provenance, Sample, SampleImage

NAME = "kermany"
LICENCE = "CC BY 4.0"
TABLE = "Chest_xray_Corona_Metadata.csv"
SPLITS: dict[str, Literal["train", "validation", "test"]] = {"train": "train", "val": "validation", "test": "test"}
CAUSES = {"bacteria": "bacterial pneumonia", "virus": "viral pneumonia"}
# What folders and the table call the classes → cause; "" where they say no more than pneumonia.
_FOLDERS = {"normal": None, "pneumonia": "", "bacterial": "bacteria", "viral-other": "virus", "viral": "virus"}
_TABLE = {"bacteria": "bacteria", "virus": "virus"}
_ILL = re.compile(r"person(\d+)_(bacteria|virus)_\d+\.jpe?g", re.IGNORECASE)
_WELL = re.compile(r"((?:NORMAL2-)?IM-\d+)-\d+(?:-\d+)?\.jpe?g", re.IGNORECASE)
_LOOKED_AT = 64


def recognizes(root: Path) -> bool:
    """Whether `root`, or a folder in it, has `train/` or `test/` whose pictures are named as the collection names them."""
    if not root.is_dir():
        return False
    parts = [place for name in SPLITS for place in (root / name, root / "chest_xray" / name) if place.is_dir()]
    names = [path.name for part in parts for path in islice(files_below(part), _LOOKED_AT) if path.suffix.lower() != ".csv"]
    return bool(names) and all(_ILL.fullmatch(name) or _WELL.fullmatch(name) for name in names)


def read(root: Path, tell: Tell = refuse) -> Iterator[Sample]:
    """Every radiograph below `train/`, `val/` and `test/`.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    if not recognizes(root):
        raise InputRefused(
            "bad_dataset",
            "The folder has no train/ or test/ with pictures of the published names. Without those names nothing says whom a "
            "picture shows. Give the folder that holds train/ and test/.",
        )
    pictures, stated = Pictures(Files(root)), _table(root)
    paths = [path for path in pictures.files.paths if path.suffix.lower() in (".jpeg", ".jpg")]
    places = {path: path.relative_to(pictures.files.root) for path in paths}
    pictures.expect(place.as_posix() for place in places.values())
    for number, (path, place) in enumerate(places.items(), start=1):
        split = next((SPLITS[part.lower()] for part in place.parts[:-1] if part.lower() in SPLITS), None)
        try:
            yield _sample(path, split, stated.get(path.name), f"picture {number}", pictures, tell)
        except RecordRefused as wrong:
            tell(wrong.at(f"picture {number}"))


def _sample(
    path: Path,
    split: Literal["train", "validation", "test"] | None,
    stated: Mapping[str, str] | None,
    where: str,
    pictures: Pictures,
    tell: Tell,
) -> Sample:
    ill, well = _ILL.fullmatch(path.name), _WELL.fullmatch(path.name)
    if ill is None and well is None:
        raise RecordRefused("record_malformed", "Its name states neither a patient nor that it is normal.")
    image = pictures.at(path, modality="XR", view="AP")
    cause = ill[2].lower() if ill else None
    folder = path.parent.name.lower()
    if folder in _FOLDERS and _FOLDERS[folder] != cause and not (cause and _FOLDERS[folder] == ""):
        tell(Fault("annotation_conflict", where, "Its folder states another class than its name; the name's was kept."))
    if stated is not None and _differs(stated, cause, split):
        tell(
            Fault("annotation_conflict", where, "The table states another class or split than name and folder, which were kept.")
        )
    labels: dict[str, Finding] = {"pneumonia": "absent"}
    if cause is not None:
        labels = {"pneumonia": "present", CAUSES[cause]: "present"}
    unit = f"person {ill[1]}" if ill else well[1].upper() if well else ""
    patient = keys.key(NAME, unit, salted=False)
    part = split or "none"
    study = keys.key(NAME, path.name, part, "study", salted=False)
    provenance = Provenance(NAME, LICENCE, patient, study, "class of the file's name", split)
    key = f"{NAME}-{keys.key(NAME, part, path.name, salted=False)}"
    return Sample(key, "annotation", (SampleImage("current", image),), (), provenance, labels=labels)


def _table(root: Path) -> dict[str, Mapping[str, str]]:
    """The rows of CoronaHack's table by file name; empty where there is none."""
    place = root / TABLE
    return {row.get("X_ray_image_name", ""): row for _, row in table(place)} if place.is_file() else {}


def _differs(row: Mapping[str, str], cause: str | None, split: str | None) -> bool:
    is_ill = row.get("Label", "").strip().lower() != "normal"
    named = _TABLE.get(row.get("Label_1_Virus_category", "").strip().lower(), cause)
    part = row.get("Dataset_type", "").strip().lower()
    return is_ill != (cause is not None) or named != cause or SPLITS.get(part, split) != split
