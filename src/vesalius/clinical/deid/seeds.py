"""The recognizer: names, numbers and birth dates out of a header, found again in any bytes, however they are written.

A seed is searched as it stands and in every encoding that DICOM and computers write texts in, whatever its capitals, alone
and so in any order of a name's parts; also inside what zlib and gzip have compressed. Seeds are patient data: they stay in
memory and cross the gate, and are never written or shown.
"""

import itertools
import re
import zlib
from collections.abc import Collection, Iterator, Sequence

from pydicom.datadict import dictionary_has_tag, dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from vesalius.clinical.deid import values
from vesalius.clinical.dicom.file import PARSE_FAULTS

LEAST_LETTERS, LEAST_DIGITS, LEAST_FOREIGN = 4, 6, 2
LIMIT_INFLATED_BYTES = 2**26
MOST_STREAMS = 4096

_IDENTITIES = frozenset(
    [
        *("PatientID", "OtherPatientIDs", "PatientBirthDate", "PatientAddress", "PatientTelephoneNumbers", "MilitaryRank"),
        *("PatientReligiousPreference", "AccessionNumber", "AdmissionID", "PlacerOrderNumberImagingServiceRequest"),
        *("FillerOrderNumberImagingServiceRequest", "InsurancePlanIdentification", "MedicalRecordLocator", "IssuerOfPatientID"),
        *("ClinicalTrialSubjectID", "ReferringPhysicianAddress", "ReferringPhysicianTelephoneNumbers", "PersonAddress"),
        *("PersonTelephoneNumbers", "ServiceEpisodeID", "PatientMotherBirthName", "PatientBirthName", "OtherPatientNames"),
    ]
)
_INSTITUTION = frozenset({"InstitutionName", "InstitutionAddress"})
_DEVICE = frozenset({"StationName", "DeviceSerialNumber"})
# Parts of names that stand for nobody, and that stand in many headers.
_NOBODY = frozenset(
    [
        *("anonymous", "anonymized", "anonymised", "anon", "unknown", "none", "null", "name", "patient", "test", "phantom"),
        *("removed", "deidentified", "hospital", "clinic", "university", "radiology", "department", "center", "centre"),
        *("prof", "doctor", "miss", "male", "female", "other", "institution", "street", "road", "siemens", "philips"),
        *("original", "primary", "derived", "secondary", "physician", "operator", "technologist", "vesalius", "demo"),
        *("medical", "general", "text", "enter", "first", "last", "image", "unnamed", "here"),
    ]
)
_PARTS = re.compile(r"[\^=\\,;:/()\[\]\s\0_.+-]+")
_CODECS = (
    *("latin-1", "iso8859_2", "iso8859_3", "iso8859_4", "iso8859_5", "iso8859_6", "iso8859_7", "iso8859_8", "iso8859_9"),
    *("cp1252", "shift_jis", "iso2022_jp", "euc_jp", "euc_kr", "gb18030", "big5", "tis_620", "koi8_r", "cp1251"),
)
_ESCAPES = re.compile(rb"\x1b[$()\-.,/][\x20-\x2f]?[\x30-\x7e]")
_STREAMS = re.compile(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08")


def seeds_of(dataset: Dataset, options: Collection[str] = ()) -> set[str]:
    """Parts of all names of persons in a data set, at any depth, and of the numbers and places that belong to the patient.

    What an option retains is not sought. Elements that cannot be parsed are passed over; all others stay as they were read.
    """
    sought = _IDENTITIES | (frozenset() if "institution" in options else _INSTITUTION)
    sought |= frozenset() if "device-identity" in options else _DEVICE
    tags = frozenset(tag for keyword in sought if (tag := tag_for_keyword(keyword)) is not None)
    found: set[str] = set()
    for element in _named(dataset, tags):
        for text in map(str, element.value if element.VM > 1 else [element.value]):
            found |= _birth_dates(text) if element.VR == "DA" else set(parts_of(text))
    return found


def parts_of(text: str) -> Iterator[str]:
    """What of a name or number can be sought on its own; two short parts of a name are sought together."""
    parts = [part for part in _PARTS.split(text) if part]
    whole = text.strip(" \0")
    telling = [part for part in parts if _is_telling(part)]
    if _is_telling(whole) and not all(map(_is_common, parts)):
        telling.append(whole)
    yield from (part.lower() if part.isascii() else part for part in telling)
    short = ["" if _is_telling(part) or _is_common(part) or not part.isalpha() else part.lower() for part in parts]
    for first, second in itertools.pairwise(short):
        if first and second and len(first + second) > LEAST_LETTERS:
            yield from (one + joint + other for one, other in ((first, second), (second, first)) for joint in ("^", " ", ", "))


def _named(dataset: Dataset, tags: Collection[int]) -> Iterator[DataElement]:
    """At any depth, the names of persons and the elements with these tags."""
    waiting = [dataset]
    while waiting:
        current = waiting.pop()
        for tag in list(current.keys()):
            vr = stated_vr(current, tag)
            if vr not in ("SQ", "PN") and tag not in tags:
                continue
            try:
                element = current[tag]
            except PARSE_FAULTS:
                continue
            if element.VR == "SQ":
                waiting += list(element.value or [])
            elif element.value is not None:
                yield element


def stated_vr(dataset: Dataset, tag: int) -> str:
    """The representation that counts: the stated one, or the dictionary's where the file states none."""
    element = dataset.get_item(tag)
    stated = None if element is None else element.VR
    if stated not in (None, "UN") or not dictionary_has_tag(tag):
        return str(stated or "UN").split(" or ")[0]
    return dictionary_VR(tag).split(" or ")[0]


class Patterns:
    """Seeds in all their encodings, ready to be sought."""

    def __init__(self, seeds: Collection[str]) -> None:
        self._written: list[tuple[int, bytes, str]] = []
        for number, seed in enumerate(sorted(seeds)):
            self._written += [(number, content, _neighbors(seed)) for content in _encodings(seed)]

    def __bool__(self) -> bool:
        return bool(self._written)

    def count(self, content: bytes) -> int:
        """How many different seeds stand in these bytes, as they are."""
        lowered = content.lower()
        plain = _ESCAPES.sub(b"", lowered) if b"\x1b" in lowered else lowered
        return len({number for number, written, apart in self._written if _stands(written, lowered, plain, apart)})

    def count_deep(self, content: bytes) -> int:
        """As `count`, also within everything in the bytes that zlib or gzip has compressed."""
        return max(self.count(view) for view in views(content))


def views(content: bytes) -> Iterator[bytes]:
    """The bytes, and what each compressed stream that begins in them inflates to, up to a limit for all together."""
    yield content
    left = LIMIT_INFLATED_BYTES
    for tried, found in enumerate(_STREAMS.finditer(content)):
        if tried >= MOST_STREAMS or left <= 0:
            return
        inflater = zlib.decompressobj(wbits=31 if found[0].startswith(b"\x1f") else 15)
        inflated = _inflated(inflater, content[found.start() :], left)
        left -= len(inflated)
        if inflated:
            yield inflated


def _inflated(inflater: "zlib._Decompress", content: bytes, limit_bytes: int) -> bytes:
    """What comes out until the stream ends, breaks or reaches the limit."""
    whole, position, block = bytearray(), 0, 1 << 14
    try:
        while position < len(content) and not inflater.eof and len(whole) < limit_bytes:
            whole += inflater.decompress(content[position : position + block], limit_bytes)
            position += block
    except zlib.error:
        pass  # what looked like the beginning of a stream was none, or its rest is damaged
    return bytes(whole)


def _is_common(part: str) -> bool:
    return part.lower() in _NOBODY or part.lower() in values.vocabulary()


def _is_telling(part: str) -> bool:
    if _is_common(part):
        return False
    if part.isdigit():
        return len(part) >= LEAST_DIGITS and len(set(part)) > 1
    return len(part) >= (LEAST_LETTERS if part.isascii() else LEAST_FOREIGN) and any(letter.isalnum() for letter in part)


def _birth_dates(text: str) -> set[str]:
    day = re.fullmatch(r"(\d{4})[.-]?(\d{2})[.-]?(\d{2})", text.strip())
    if not day or day[1] == "1900":
        return set()
    year, month, of_month = day.groups()
    joined = {joint.join(parts) for joint in ".-/" for parts in ((year, month, of_month), (of_month, month, year))}
    return {year + month + of_month, *joined, f"{month}/{of_month}/{year}"}


def _encodings(seed: str) -> set[bytes]:
    forms = {seed, seed.lower(), seed.upper(), seed.title()}
    codecs: Sequence[str] = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", *(() if seed.isascii() else _CODECS))
    written = set()
    for codec in codecs:
        for form in forms:
            try:
                content = form.encode(codec)
            except UnicodeEncodeError:
                continue
            written.add(_ESCAPES.sub(b"", content.lower()) if codec == "iso2022_jp" else content.lower())
    return {content for content in written if len(content) > 2}


def _neighbors(seed: str) -> str:
    """What may not stand beside a seed: digits beside a number, letters beside a short word, which longer ones may hold."""
    if seed.isdigit():
        return "digits"
    return "letters" if seed.isascii() and seed.isalpha() and len(seed) <= LEAST_LETTERS else ""


def _stands(written: bytes, lowered: bytes, plain: bytes, apart: str) -> bool:
    if not apart:
        return written in lowered or (plain is not lowered and written in plain)
    at = lowered.find(written)
    while at >= 0:
        around = (lowered[max(0, at - 1) : at], lowered[at + len(written) : at + len(written) + 1])
        if not any(byte.isdigit() if apart == "digits" else byte.isalpha() for byte in around):
            return True
        at = lowered.find(written, at + 1)
    return False
