"""A data set treated attribute by attribute, at every depth, as `profile.action` says."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

from pydicom import charset, config
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from vesalius.clinical.deid import icc, profile, structured, values
from vesalius.clinical.deid.options import OPTIONS, codes
from vesalius.clinical.deid.rules import Rules
from vesalius.clinical.deid.seeds import Patterns, stated_vr
from vesalius.clinical.dicom.file import PARSE_FAULTS
from vesalius.errors import InputRefused

LIMIT_DEPTH = 32
MOST_PRIVATE_BYTES = 256  # a number or a code of the safe private list takes less; whatever is longer hides something

_CHARACTER_SET, _PATIENT_NAME, _PATIENT_ID, _PATIENT_AGE = 0x00080005, 0x00100010, 0x00100020, 0x00101010
_TEXT_VALUE, _GRAPHIC_LAYER, _ICC_PROFILE = 0x0040A160, 0x00700002, 0x00282000
_TEXTS = frozenset({"LO", "SH", "ST", "LT", "UT", "UC", "CS", "UI", "AE", "UR", "DS", "IS", "AS", "PN"})
_ITEM_BYTES = {"US": 2, "SS": 2, "UL": 4, "SL": 4, "FL": 4, "FD": 8}


@dataclass(frozen=True)
class Cleaning:
    """One data set on its way: the rules, whose it is, and what must not be left."""

    rules: Rules
    patient: str
    patterns: Patterns


def clean(dataset: Dataset, cleaning: Cleaning) -> None:
    """Treat a whole data set in place, and say in it what was done to it.

    Raises:
        InputRefused: `nesting_limit`.
    """
    _clean(dataset, cleaning, 0)
    _state(dataset, cleaning.rules)


def patient_of(dataset: Dataset) -> str:
    """What tells this data set's patient from others: the number, else name and birth date, else the study."""
    number = text(dataset, _PATIENT_ID)
    if number:
        return f"id\0{number}"
    name, birth = text(dataset, _PATIENT_NAME), text(dataset, 0x00100030)
    return f"name\0{name}\0{birth}" if name else f"study\0{text(dataset, 0x0020000D)}"


def _clean(dataset: Dataset, cleaning: Cleaning, depth: int) -> None:
    if depth > LIMIT_DEPTH:
        raise InputRefused(
            "nesting_limit", f"Sequences lie in one another more than {LIMIT_DEPTH} deep. Such a file is broken or hostile."
        )
    structured.anonymize_local_code(dataset, cleaning.rules)
    options = cleaning.rules.options
    private = _safe_private(dataset, cleaning.patterns) if "safe-private" in options else set()
    for tag in sorted(dataset.keys()):
        if tag in private:
            continue
        if tag == _CHARACTER_SET:
            _clean_character_set(dataset)
        else:
            vr = stated_vr(dataset, tag)
            action = "D" if tag in (_TEXT_VALUE, _GRAPHIC_LAYER) else profile.action(tag, vr, options)
            try:
                _apply(dataset, tag, vr, action, cleaning, depth)
            except PARSE_FAULTS:  # a value that cannot be parsed is not known to be safe
                dataset.pop(tag, None)


def _apply(dataset: Dataset, tag: int, vr: str, action: profile.Action, cleaning: Cleaning, depth: int) -> None:
    if action == "X":
        del dataset[tag]
    elif vr == "SQ":
        _treat_sequence(dataset, tag, action, cleaning, depth)
    elif tag in (_PATIENT_NAME, _PATIENT_ID):
        _set(dataset, tag, vr, cleaning.rules.pseudonym(cleaning.patient))
    elif action == "Z":
        _set(dataset, tag, vr, "")
    elif action == "D":
        _set_dummy(dataset, tag, vr, cleaning.rules)
    elif action == "U":
        _map_uids(dataset, tag, cleaning.rules)
    elif action == "C":
        _treat_text(dataset, tag, vr, cleaning)
    else:
        _check_kept(dataset, tag, vr, cleaning)


def _treat_sequence(dataset: Dataset, tag: int, action: profile.Action, cleaning: Cleaning, depth: int) -> None:
    if action in ("Z", "U"):
        _set(dataset, tag, "SQ", [])
        return
    items = [*(dataset[tag].value or [])]
    if action == "D":
        _set(dataset, tag, "SQ", structured.dummies(tag, items))
        if structured.is_made_up(tag):
            return
    elif action == "C":
        _set(dataset, tag, "SQ", structured.pruned(tag, items, cleaning.rules.options))
    for item in dataset[tag].value:
        _clean(item, cleaning, depth + 1)


def _set_dummy(dataset: Dataset, tag: int, vr: str, rules: Rules) -> None:
    original = text(dataset, tag) if vr not in ("OB", "OW", "UN") else "bytes"
    if tag == _GRAPHIC_LAYER and original:
        _set(dataset, tag, vr, rules.title(original))
    elif vr == "UI":
        _map_uids(dataset, tag, rules)
    else:
        _set(dataset, tag, vr, values.dummy(vr) if original else "")


def _map_uids(dataset: Dataset, tag: int, rules: Rules) -> None:
    uids = [uid.strip(" \0") for uid in text(dataset, tag).split("\\")]
    _set(dataset, tag, "UI", [uid if not uid or profile.is_well_known(uid) else rules.uid(uid) for uid in uids])


def _treat_text(dataset: Dataset, tag: int, vr: str, cleaning: Cleaning) -> None:
    """Action C: dates are moved, stations renamed, texts reduced to known words; what is then empty follows the basic profile."""
    original = text(dataset, tag)
    if vr in ("DA", "DT", "TM"):
        kept = values.moved(vr, original, cleaning.rules.shift_days(cleaning.patient))
    elif vr == "AE":
        kept = cleaning.rules.title(original) if original else ""
    else:
        kept = values.known_words(original)
        kept = "" if cleaning.patterns.count(kept.encode("ascii", "replace")) else kept
        kept = kept[:16] if vr == "SH" else kept[:64] if vr == "LO" else kept
    if kept.strip("\\"):
        _set(dataset, tag, vr, kept)
    elif original:
        _fall_back(dataset, tag, vr, cleaning)


def _check_kept(dataset: Dataset, tag: int, vr: str, cleaning: Cleaning) -> None:
    """Action K: nothing is kept that is not of its representation's form, or in which a name stands."""
    if tag == _PATIENT_AGE:
        _set(dataset, tag, vr, values.capped_age(text(dataset, tag)))
        return
    if tag == _ICC_PROFILE:
        blank = icc.blanked(bytes(dataset[tag].value or b""))
        if blank:
            _set(dataset, tag, vr, blank)
        else:
            del dataset[tag]
        return
    if vr in ("DA", "DT", "TM"):
        if not values.is_date(vr, text(dataset, tag)):
            _fall_back(dataset, tag, vr, cleaning)
        return
    if vr in _TEXTS or isinstance(dataset.get_item(tag), RawDataElement):
        content = _content(dataset, tag)
        if not values.is_well_formed(vr, content) or cleaning.patterns.count(content):
            _fall_back(dataset, tag, vr, cleaning)


def _fall_back(dataset: Dataset, tag: int, vr: str, cleaning: Cleaning) -> None:
    """What may not stay as it is follows the basic profile, or becomes a dummy where the table says nothing."""
    basic = profile.action(tag, vr, frozenset())
    if basic == "U":
        _map_uids(dataset, tag, cleaning.rules)
    elif basic == "Z":
        _set(dataset, tag, vr, "")
    elif basic == "X" or vr in ("DS", "IS", "AS") or vr not in _TEXTS:
        del dataset[tag]
    else:
        _set(dataset, tag, vr, values.dummy(vr))


def _safe_private(dataset: Dataset, patterns: Patterns) -> set[int]:
    """The private elements of this level that the option keeps, and their creators."""
    kept: set[int] = set()
    for tag in list(dataset.keys()):
        group, block, element = tag >> 16, tag >> 8 & 0xFF, tag & 0xFF
        if not group % 2 or block < 0x10:
            continue
        creator = group << 16 | block
        vr = profile.safe_private().get((group, text(dataset, creator), element))
        if vr is not None and _is_small_number(dataset.get_item(tag), vr) and not patterns.count(_content(dataset, tag)):
            kept |= {creator, tag}
    return kept


def _is_small_number(element: DataElement | RawDataElement | None, vr: str) -> bool:
    if not isinstance(element, RawDataElement) or element.VR not in (vr, "UN", None):
        return False
    content = element.value or b""
    is_whole = len(content) % _ITEM_BYTES.get(vr, 1) == 0
    return len(content) <= MOST_PRIVATE_BYTES and is_whole and values.is_well_formed(vr, content)


def _clean_character_set(dataset: Dataset) -> None:
    """Keep the names of character sets that exist: the attribute could hold anything."""
    stated = dataset[_CHARACTER_SET].value
    named = [str(name) for name in stated] if isinstance(stated, MultiValue | list) else [str(stated or "")]
    if not all(name in charset.python_encoding for name in named):
        del dataset[_CHARACTER_SET]


def _state(dataset: Dataset, rules: Rules) -> None:
    """Say that the identity was removed, and by which method."""
    dates = "UNMODIFIED" if "full-dates" in rules.options else "MODIFIED" if "modified-dates" in rules.options else "REMOVED"
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = [f"Vesalius {our_version()}", "DICOM PS3.15 Annex E"]
    dataset.DeidentificationMethodCodeSequence = [_code(*code) for code in codes(rules.options - {"clean-pixel-data"})]
    dataset.LongitudinalTemporalInformationModified = dates


def state_clean_pixels(dataset: Dataset) -> None:
    """Say that what was burned into the pixels has been blackened."""
    stated = [*dataset.DeidentificationMethodCodeSequence, _code(*OPTIONS["clean-pixel-data"][:2])]
    dataset.DeidentificationMethodCodeSequence = sorted(stated, key=lambda item: str(item.CodeValue))
    dataset.BurnedInAnnotation = "NO"


@functools.cache
def our_version() -> str:
    """The version that is written into every copy."""
    return version("vesalius")


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item


def text(dataset: Dataset, name: int | str) -> str:
    """The element's value as one text, values joined by backslashes; "" when there is none or it cannot be parsed."""
    if name not in dataset:
        return ""
    try:
        value = dataset[name].value
    except PARSE_FAULTS:
        return ""
    if isinstance(value, bytes):
        return value.decode("ascii", "replace").strip(" \0")
    return (
        "" if value is None else "\\".join(map(str, value)) if isinstance(value, MultiValue | list) else str(value).strip(" \0")
    )


def _content(dataset: Dataset, tag: int) -> bytes:
    """The element's bytes as the file has them, or as its text would be written."""
    element = dataset.get_item(tag)
    if isinstance(element, RawDataElement):
        return element.value or b""
    return text(dataset, tag).encode("utf-8", "replace")


def _set(dataset: Dataset, tag: int, vr: str, value: str | int | float | bytes | Sequence[object]) -> None:
    dataset[tag] = DataElement(tag, vr, value, validation_mode=config.IGNORE)
