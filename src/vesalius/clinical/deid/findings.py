"""What is left of identity in a file: every attribute that the profile would not have left so, counted by code.

The options that a DICOM file names for itself are taken at their word; the profile's own work is not.
"""

import re
from collections import Counter
from collections.abc import Iterator
from io import BufferedReader

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset

from vesalius.clinical.deid import burned_in, profile, values
from vesalius.clinical.deid.options import BASIC, OPTIONS
from vesalius.clinical.deid.rules import MAPPED_UID, PSEUDONYM
from vesalius.clinical.deid.seeds import Patterns
from vesalius.clinical.dicom.file import PARSE_FAULTS, PixelPlace, quiet, read_dataset

WINDOW_BYTES, OVERLAP_BYTES = 1 << 25, 1 << 12
_DATES = frozenset({"DA", "DT", "TM"})
_TEXTS = frozenset({"LO", "SH", "ST", "LT", "UT", "UC", "UR", "CS"})
_TITLE = re.compile(r"VES[0-9A-F]{8}")
_LIKE_A_NAME = re.compile(r"[^\W\d_]{2,}\^[^\W\d_]+")
# What identifies the method, and so may stand: identity removed, method, its codes.
_OURS = frozenset({0x00120062, 0x00120063, 0x00120064, 0x00280303})
_PADDING = 0xFFFCFFFC


def of_dicom(source: BufferedReader) -> dict[str, int]:
    """Counts by code.

    Raises:
        InputRefused: as reading does.
    """
    header, place = read_dataset(source)
    with quiet():
        options = _stated_options(header)
        found: Counter[str] = Counter(code for element in _elements(header) if (code := _finding(element, options)))
        found["private_left"] += sum(1 for _ in _private(header, options))
        found["codes_missing"] += int(str(header.get("PatientIdentityRemoved", "")) != "YES" or options is None)
        found["metadata_left"] += _around(source, header, place)
        stated = str(header.get("BurnedInAnnotation", "")) == "NO" and "clean-pixel-data" in (options or ())
        found["burned_in_risk"] += int(place is not None and burned_in.is_written_on(header) and not stated)
    return {code: count for code, count in sorted(found.items()) if count}


def identities(source: BufferedReader, patterns: Patterns) -> int:
    """How many of the seeds stand anywhere in the file, as they are or compressed; read in windows that overlap."""
    most, kept = 0, b""
    while patterns and (block := source.read(WINDOW_BYTES)):
        most = max(most, patterns.count_deep(kept + block))
        kept = block[-OVERLAP_BYTES:]
    return most


def _stated_options(header: Dataset) -> frozenset[str] | None:
    """The options whose codes the file bears; None when it does not even bear the profile's."""
    codes = {str(item.get("CodeValue", "")) for item in header.get("DeidentificationMethodCodeSequence") or []}
    if BASIC[0] not in codes:
        return None
    return frozenset(name for name, option in OPTIONS.items() if option[0] in codes)


def _elements(dataset: Dataset) -> Iterator[DataElement]:
    """Elements at any depth, sequences too."""
    waiting = [dataset]
    while waiting:
        current = waiting.pop()
        for tag in list(current.keys()):
            if tag in _OURS and current is dataset:
                continue
            try:
                element = current[tag]
            except PARSE_FAULTS:
                element = DataElement(tag, "UN", b"?")
            yield element
            if element.VR == "SQ":
                waiting += list(element.value or [])


def _finding(element: DataElement, options: frozenset[str] | None) -> str | None:
    """The code of what is wrong with one public element, if anything is."""
    if element.tag.is_private or element.is_empty or (element.VR == "SQ" and not element.value):
        return None
    if element.tag >> 16 == 0x7FE0:
        return None
    action = profile.action(int(element.tag), str(element.VR), options or frozenset())
    stated = [str(value) for value in (element.value if element.VM > 1 else [element.value])]
    if element.VR == "PN":
        return None if all(_is_stand_in(element, value) for value in stated) else "names_left"
    if element.VR in _TEXTS and any(_LIKE_A_NAME.search(value) for value in stated):
        return "names_left"
    if element.VR == "UI" and action in ("U", "X", "D"):
        return None if all(MAPPED_UID.fullmatch(uid) or profile.is_well_known(uid) for uid in stated) else "uids_left"
    if action == "X" or (action in ("Z", "D") and not _is_treated(element, stated)):
        return "dates_left" if element.VR in _DATES else "attributes_left"
    if action == "C" and element.VR in _TEXTS:
        kept = all(_is_stand_in(element, value) or values.known_words(value) == value for value in stated)
        return None if kept else "attributes_left"
    return None


def _is_treated(element: DataElement, stated: list[str]) -> bool:
    if element.VR == "SQ":
        return True  # its items are looked at one by one
    return all(_is_stand_in(element, value) for value in stated)


def _is_stand_in(element: DataElement, value: str) -> bool:
    if values.is_dummy(str(element.VR), value) or PSEUDONYM.fullmatch(value) or _TITLE.fullmatch(value):
        return True
    return isinstance(element.value, bytes) and not any(element.value)


def _private(dataset: Dataset, options: frozenset[str] | None) -> Iterator[DataElement]:
    """Private elements that are not on the safe list, or all when the file does not state that option."""
    allowed = profile.safe_private() if "safe-private" in (options or ()) else {}
    for element in _elements(dataset):
        if element.tag.is_private:
            key = (element.tag.group, str(element.private_creator or ""), element.tag.element & 0xFF)
            if not (element.tag.is_private_creator and allowed) and key not in allowed:
                yield element


def _around(source: BufferedReader, header: FileDataset, place: PixelPlace | None) -> int:
    """1 for a preamble that is not empty, 1 for titles and private information in the meta group, 1 for trailing bytes."""
    source.seek(0)
    head = source.read(132)
    preamble = head[128:] == b"DICM" and any(head[:128])
    meta = any(element.tag.element in range(0x16, 0x19) or element.tag.element >= 0x26 for element in header.file_meta)
    trailing = False
    if place is not None and place.length is not None and place.begin is not None:
        source.seek(place.begin + place.length)
        trailing = bool(source.read(1))
    elif place is not None and place.begin is not None:
        trailing = _trails(source, place.begin)
    return int(preamble) + int(meta) + int(trailing)


def _trails(source: BufferedReader, begin: int) -> bool:
    """Whether anything follows the last fragment's delimiter."""
    source.seek(begin)
    while len(head := source.read(8)) == 8 and head[:4] == b"\xfe\xff\x00\xe0":
        source.seek(int.from_bytes(head[4:], "little"), 1)
    return bool(source.read(1))
