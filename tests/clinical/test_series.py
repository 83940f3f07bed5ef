import numpy as np

from vesalius.clinical.series import LARGEST_ORIGINAL, MIDDLE_SLICE, choose, shown_slice
from vesalius.types import CodedWarning, Image, Series, Source, Study


def image(*shape: int, code: str | None = None) -> Image:
    warnings = (CodedWarning(code, ""),) if code else ()
    kind = "volume" if len(shape) == 3 else "image"
    return Image(kind, shape, 1, lambda: np.zeros(shape), Source(None, "", "memory"), warnings=warnings)


def chosen(*pictures: Image | None) -> list[tuple[bool, str]]:
    series = tuple(
        Series(str(index), "report" if picture is None else picture.kind, "CT", () if picture is None else (picture,), 1)
        for index, picture in enumerate(pictures)
    )
    return [(one.chosen, one.why) for one in choose(Study("", "", series)).series]


def test_the_largest_original_series_is_chosen_and_each_says_why() -> None:
    found = chosen(image(3, 8, 8, code="localizer"), image(20, 8, 8), image(90, 8, 8, code="derived"), None, image(40, 8, 8))
    assert [mark for mark, _ in found] == [False, False, False, False, True]
    assert "localizer" in found[0][1]
    assert "computed" in found[2][1]
    assert "report" in found[3][1]


def test_a_localizer_is_chosen_when_there_is_nothing_else() -> None:
    assert [mark for mark, _ in chosen(image(3, 8, 8, code="localizer"), None)] == [True, False]


def test_nothing_is_chosen_where_there_is_no_picture() -> None:
    assert chosen(None) == [(False, "holds no picture (report)")]


def test_of_equals_the_first_is_chosen() -> None:
    assert [mark for mark, _ in chosen(image(8, 8), image(8, 8))] == [True, False]


def test_the_middle_slice_is_shown() -> None:
    assert [shown_slice(one) for one in (image(5, 8, 8), image(4, 8, 8), image(8, 8))] == [2, 2, 0]


def test_rules_have_names_and_versions() -> None:
    assert (LARGEST_ORIGINAL.name, LARGEST_ORIGINAL.version) == ("largest_original", 1)
    assert (MIDDLE_SLICE.name, MIDDLE_SLICE.version) == ("middle_slice", 1)
