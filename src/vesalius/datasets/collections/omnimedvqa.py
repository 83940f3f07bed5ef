"""omnimedvqa: multiple choice made from the labels of many collections of pictures, of many modalities.

What:       JSON lists, one for each collection that questions were made from.
Layout:     `QA_information/Open-access/*.json` (and `Restricted-access`), records with dataset, question_id, question_type,
            question, gt_answer, image_path, option_A … option_D, modality_type; pictures in `Images/`. With `text_alone` the
            pictures are left out.
Split unit: the picture: nothing says which pictures are of one patient. There is no published split.
Labels:     the labels of those collections, put into sentences.
Defects:    a record of one published file has `modality` in place of `modality_type`; it is read. Records have two to four
            options. An answer that is none of them is told.
Samples:    a question, its options, and the right one; `task` is its question_type in small letters, `provenance.site` the
            collection that the picture is from.
Licence:    as each collection states; not looked up.
Source:     huggingface.co/datasets/foreverbeliever/OmniMedVQA.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from vesalius.clinical import keys
from vesalius.datasets.asked import asked
from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.foreign import Source
from vesalius.datasets.sources import RecordRefused, first_record, records
from vesalius.errors import InputRefused
from vesalius.types import Provenance, Sample

NAME = "omnimedvqa"
LICENCE = "as the collection of the picture states"
MODALITIES = {"CT(Computed Tomography)": "CT", "MR (Mag-netic Resonance Imaging)": "MR", "X-Ray": "XR", "ultrasound": "US"}
MODALITIES |= {"Fundus Photography": "OP", "OCT (Optical Coherence Tomography": "OPT", "Dermoscopy": "XC"}
MODALITIES |= {"Microscopy Images": "SM"}
_KEYS = {"dataset", "question_id", "question", "gt_answer", "image_path", "option_A"}
ACCESS = ("Open-access", "Restricted-access")
_OPTIONS = tuple(f"option_{letter}" for letter in "ABCD")


def recognizes(root: Path) -> bool:
    """Whether `root` is, or holds, such a list."""
    return bool(_files(root))


def read(root: Path, tell: Tell = refuse, *, text_alone: bool = False, access: Collection[str] = ACCESS) -> Iterator[Sample]:
    """Every question of every list.

    Args:
        root: the folder that holds `QA_information`, or one list.
        tell: takes faults.
        text_alone: leave the pictures out.
        access: the parts to read, by the names of their folders.

    Raises:
        InputRefused: `bad_dataset`: another layout.
    """
    found = _files(root)
    if not found:
        raise InputRefused(
            "bad_dataset",
            "The folder holds no list of OmniMedVQA's questions. There is nothing to read. Give the one with QA_information.",
        )
    source = Source(NAME, root, tell, text_alone=text_alone)
    for number, place in enumerate(found, start=1):
        if place.parent.name in ACCESS and place.parent.name not in access:
            continue
        named = ((f"{where} of list {number}", record) for where, record in records(place))
        yield from source(named, lambda _, record: _sample(record, source))


def _files(root: Path) -> list[Path]:
    if root.is_file():
        candidates = [root]
    else:
        base = next((p for p in (root, root / "OmniMedVQA") if (p / "QA_information").is_dir()), root)
        candidates = sorted((base / "QA_information").glob("*/*.json"))
    return [place for place in candidates if isinstance(one := first_record(place), dict) and one.keys() >= _KEYS]


def _sample(record: Any, source: Source) -> Sample:
    if not isinstance(record, dict) or not all(isinstance(record.get(name), str) for name in _KEYS):
        raise RecordRefused("record_malformed", "It lacks one of " + ", ".join(sorted(_KEYS)) + ".")
    options = [record[name] for name in _OPTIONS if isinstance(record.get(name), str) and record[name].strip()]
    modality = MODALITIES.get(str(record.get("modality_type") or record.get("modality")))
    images = [] if source.text_alone else [source.pictures.open(record["image_path"], modality=modality)]
    patient, study = (keys.key(NAME, record["image_path"], part, salted=False) for part in ("patient", "study"))
    provenance = Provenance(NAME, LICENCE, patient, study, "multiple choice", None, record["dataset"])
    key = source.unique(f"{NAME}-{keys.key(NAME, record['question_id'], record['image_path'], salted=False)}")
    task = str(record.get("question_type") or "choice").lower()
    return asked(key, task, record["question"], record["gt_answer"], images, provenance, options=options)
