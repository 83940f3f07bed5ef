"""DICOMDIR: which files a folder's own list refers to. Read in the worker; whether they are there is for others to see."""

from collections.abc import Mapping
from io import BufferedReader, BufferedWriter
from typing import Any

from vesalius.clinical.dicom.file import quiet, read_dataset
from vesalius.clinical.dicom.items import items
from vesalius.clinical.dicom.values import values
from vesalius.errors import InputRefused
from vesalius.types import Array

MOST_RECORDS = 200_000
LONGEST_REFERENCE = 4096  # characters


def references(file: BufferedReader, arguments: Mapping[str, Any], out: Array | None, _: BufferedWriter | None) -> dict[str, Any]:
    """The parts of each name that a record refers to, in the order of the records that refer to one.

    Records are taken as they stand in the file: what they say of one another's place is not followed, so that nothing can
    run in a circle. Source: PS3.3, F.3.2.2.

    Raises:
        InputRefused: as `read_dataset`; `size_limit`.
    """
    dataset, _place = read_dataset(file)
    found = []
    with quiet():
        records = items(dataset, "DirectoryRecordSequence")
        for record in records[:MOST_RECORDS]:
            parts = [str(part) for part in values(record, "ReferencedFileID")]
            if sum(map(len, parts)) > LONGEST_REFERENCE:
                raise InputRefused("bad_attribute", "The list refers to a name that no file can have. It breaks the standard.")
            if parts:
                found.append(parts)
    if len(records) > MOST_RECORDS:
        raise InputRefused("size_limit", f"The list has more than {MOST_RECORDS} records. It was not followed. Name the folder.")
    return {"references": found}
