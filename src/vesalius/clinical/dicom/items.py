"""Items of sequences, and what stands for the texts and numbers in them that are not carried on."""

from zlib import crc32

from pydicom.dataset import Dataset

from vesalius.clinical import keys
from vesalius.clinical.dicom.values import values


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; none when it is missing, unreadable or no sequence."""
    return [item for item in values(dataset, keyword) if isinstance(item, Dataset)]


def first(dataset: Dataset, keyword: str) -> Dataset:
    """The first item of a sequence; an empty one when there is none."""
    found = items(dataset, keyword)
    return found[0] if found else Dataset()


def number_for(*texts: str) -> int:
    """A number that is the same for the same texts, so that they need not be carried on; 0 when all are empty."""
    return crc32("\0".join(texts).encode("utf-8", "surrogateescape")) if any(texts) else 0


def key_of(uid: str) -> str:
    """What stands for an object or a frame of reference in another file that names it; empty for an empty UID."""
    return keys.key("dicom", "uid", uid) if uid else ""
