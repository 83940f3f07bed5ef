"""Values that are read without pydicom are those that pydicom reads."""

import math
import warnings

from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from vesalius.clinical.dicom.file import PARSE_FAULTS
from vesalius.clinical.dicom.values import numbers, text, values

KEYWORDS = {
    "CS": "ImageType",
    "UI": "StudyInstanceUID",
    "DA": "StudyDate",
    "TM": "SeriesTime",
    "DS": "ImagePositionPatient",
    "IS": "InstanceNumber",
    "LO": "Manufacturer",
    "SH": "StationName",
    "US": "Rows",
}
LETTERS = {
    "DS": "0123456789+-.eE\\ \0",
    "IS": "0123456789+-.\\ \0",
    "UI": "0123456789.\\ \0",
    "DA": "0123456789 .",
    "TM": "0123456789. :",
}


def data_set(vr: str, content: bytes, *, states_type: bool) -> Dataset:
    tag = Tag(KEYWORDS[vr])
    element = RawDataElement(tag, vr if states_type else None, len(content), content, 0, not states_type, True)
    return Dataset({tag: element})


def contents(vr: str) -> st.SearchStrategy[bytes]:
    if vr == "US":
        return st.binary(max_size=4)
    likely = st.text(LETTERS.get(vr, "ABCxyz019 _-.\\\0"), max_size=24).map(str.encode)
    return st.one_of(likely, st.binary(max_size=12))


@given(st.sampled_from(sorted(KEYWORDS)).flatmap(lambda vr: st.tuples(st.just(vr), contents(vr))), st.booleans())
def test_values_are_those_of_pydicom(found: tuple[str, bytes], states_type: bool) -> None:
    vr, content = found
    keyword = KEYWORDS[vr]
    ours, theirs = (data_set(vr, content, states_type=states_type) for _ in range(2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            theirs[keyword].value  # noqa: B018 - converted here, so that `values` finds no raw element
        except PARSE_FAULTS:
            assert values(ours, keyword) == []
            return
        assert text(ours, keyword) == text(theirs, keyword)
        assert len(values(ours, keyword)) == len(values(theirs, keyword))
        one, other = numbers(ours, keyword), numbers(theirs, keyword)
    assert all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(one, other, strict=True))
