"""Sequences that carry reports, annotations and observers: what stands in for them, and what is taken out of them."""

from collections.abc import Callable, Collection, Sequence

from pydicom.dataset import Dataset

from vesalius.clinical.deid.rules import Rules
from vesalius.clinical.deid.values import REMOVED, dummy, known_words

_CONTENT = 0x0040A730
_GRAPHICS = 0x00700001
# Concepts of an observation's subject (PS3.16, TID 1007 and 1005): always taken out, or kept with the patient's characteristics.
_SUBJECT = frozenset({"121022", "121023", "121029", "121030", "121031", "121028"})
_CHARACTERISTICS = frozenset({"121032", "121033", "121034", "121035"})
# Designators of schemes that many use (PS3.16, chapter 8).
_STANDARD_SCHEMES = frozenset(
    [
        *("DCM", "SCT", "SRT", "SNM3", "SNM", "SNOMED-CT", "99SDM", "LN", "UCUM", "RADLEX", "RADELEMENT", "FMA", "UMLS", "NCIT"),
        *("MSH", "I9", "I9C", "I10", "I10P", "I11", "ICDO3", "IEC62563", "ISO3166_1", "ISO3166-1", "ISO639_2", "RFC3066"),
        *("RFC5646", "ACR", "BI", "BARI", "C4", "CD8", "HCPT", "NDC", "RXNORM", "UNII", "ITIS_TSN", "MGI", "IBSI", "NEU"),
        *("PATHLEX", "CTV3", "UBERON", "SCPECG", "MDC", "POS", "HPC", "NICIP", "TNM", "UNS", "ATC", "PUBCHEM_CID"),
    ]
)


def dummies(tag: int, items: Sequence[Dataset]) -> list[Dataset]:
    """Items of a sequence that may be neither removed nor empty: made up where we know what it needs, else its own.

    Its own are then treated like any other data set, which maps the UIDs of references.
    """
    maker = _MAKERS.get(tag)
    return list(items) if maker is None else [maker()] if items else []


def is_made_up(tag: int) -> bool:
    """Whether `dummies` makes the items up itself, so that nothing of the file is in them."""
    return tag in _MAKERS


def pruned(tag: int, items: Sequence[Dataset], options: Collection[str]) -> list[Dataset]:
    """The items without what cannot be cleaned: a report's subject, an annotation's texts."""
    if tag == _CONTENT:
        dropped = _SUBJECT if "patient-characteristics" in options else _SUBJECT | _CHARACTERISTICS
        return [item for item in items if _concept(item) not in dropped]
    if tag == _GRAPHICS:
        for item in items:
            for texts in (0x00700008, 0x00700209):  # text objects; compound graphics, which may bear labels
                item.pop(texts, None)
        return [item for item in items if item.get("GraphicObjectSequence")] or dummies(tag, items)
    return list(items)


def anonymize_local_code(item: Dataset, rules: Rules) -> None:
    """Take the maker out of a code of nobody's standard: a hospital's own scheme names the hospital."""
    designator = str(item.get("CodingSchemeDesignator") or "").strip()
    if not designator or designator.upper() in _STANDARD_SCHEMES:
        return
    for keyword in ("CodeValue", "LongCodeValue"):
        if item.get(keyword):
            setattr(item, keyword, rules.title(f"{designator}\0{item[keyword].value}"))
    item.CodingSchemeDesignator = "99LOCAL"
    item.CodeMeaning = known_words(str(item.get("CodeMeaning") or ""))[:64] or REMOVED
    for keyword in ("CodingSchemeVersion", "CodingSchemeUID", "URNCodeValue", "EquivalentCodeSequence", "MappingResourceName"):
        item.pop(keyword, None)


def _concept(item: Dataset) -> str:
    names = item.get("ConceptNameCodeSequence") or [Dataset()]
    return str(names[0].get("CodeValue", ""))


def _code() -> Dataset:
    """A code that says that there was one."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = REMOVED, "99VESALIUS", REMOVED
    return item


def _statement() -> Dataset:
    """A content item that says that there was a text."""
    item, name = Dataset(), Dataset()
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = "121106", "DCM", "Comment"
    item.RelationshipType, item.ValueType, item.TextValue = "CONTAINS", "TEXT", REMOVED
    item.ConceptNameCodeSequence = [name]
    return item


def _point() -> Dataset:
    """An annotation of one point in the corner."""
    item, point = Dataset(), Dataset()
    point.GraphicAnnotationUnits, point.GraphicDimensions, point.NumberOfGraphicPoints = "PIXEL", 2, 1
    point.GraphicData, point.GraphicType = [1.0, 1.0], "POINT"
    item.GraphicLayer, item.GraphicObjectSequence = REMOVED, [point]
    return item


def _observer() -> Dataset:
    """A verifying observer without identity."""
    item = Dataset()
    item.VerifyingOrganization = item.VerifyingObserverName = REMOVED
    item.VerificationDateTime = dummy("DT")
    item.VerifyingObserverIdentificationCodeSequence = []
    return item


def _operator() -> Dataset:
    """An operator without identity."""
    item = Dataset()
    item.PersonIdentificationCodeSequence = [_code()]
    item.InstitutionName = REMOVED
    return item


def _flow() -> Dataset:
    """A flow of real-time video without identity."""
    item = Dataset()
    item.FlowIdentifier = bytes(8)
    return item


def _waveform_annotation() -> Dataset:
    """A waveform's annotation without content."""
    item = Dataset()
    item.UnformattedTextValue, item.ReferencedWaveformChannels, item.AnnotationGroupNumber = REMOVED, [1, 0], 0
    return item


_MAKERS: dict[int, Callable[[], Dataset]] = {
    _CONTENT: _statement,
    _GRAPHICS: _point,
    0x00401101: _code,
    0x00080082: _code,
    0x0040A073: _observer,
    0x00081072: _operator,
    0x00340001: _flow,
    0x0040B020: _waveform_annotation,
}
