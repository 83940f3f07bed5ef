"""The bad inputs that a clinical reader must survive: NEEDS' groups 1 to 57, each made by code, each with what becomes of it.

To add one: write a function `(folder) -> None` that makes the files, or their bytes, in the module of its kind, and list a
`Case` with its group, a name, the code and the behavior there; `case.py` says what behaviors there are. Everything below
then holds for it: no name, path or address in any word, no file left behind, no other file of the upload lost.
"""

import faulthandler
import gc
import io
import json
import logging
import os
import re
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.clinical.bad_inputs import builders
from tests.clinical.bad_inputs.case import CANARY_WORD, Case
from tests.clinical.bad_inputs.corpus import GROUPS, cases

from vesalius.clinical import study
from vesalius.clinical.study import Inventory
from vesalius.errors import InputRefused
from vesalius.types import CodedWarning, Image, Part, Series
from vesalius.workflows import ask

HANG_S = 60.0
BESIDE = "beside.dcm"
# What may stand in no text that leaves the reader: names, places on the disk, addresses, markup and what steers a terminal.
FORBIDDEN = {
    "the canary": re.compile(CANARY_WORD, re.IGNORECASE),
    "a path": re.compile(r"(?<![\w.])/(?:tmp|home|root|usr|etc|var|work|proc|dev|mnt|Users)\b|[A-Z]:\\\\|\.\./"),
    "an address": re.compile(r"\b0x[0-9a-fA-F]{4,}"),
    "a traceback": re.compile(r"Traceback \(most recent|File \"|\.py\b"),
    "markup or a formula": re.compile(r"<script|javascript:|=cmd|onerror="),
    "a control character": re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"),
}
CASES = cases()
FILES_REFUSED = [case for case in CASES if case.behavior in ("refused", "refused_at_load", "refused_by_load") and not case.alone]


@dataclass
class Seen:
    """What reading a case gave."""

    inventory: Inventory | None = None
    refused: InputRefused | None = None
    said: list[str] = field(default_factory=list)

    @property
    def series(self) -> list[Series]:
        """Of all studies but the one that lies beside."""
        return [series for found in self.studies for series in found.series]

    @property
    def studies(self) -> list[Any]:
        """All but the one that lies beside."""
        found = self.inventory.studies if self.inventory else ()
        return [one for one in found if not any(_is_beside(image) for series in one.series for image in series.images)]

    @property
    def codes(self) -> set[str]:
        """Of all warnings at any level."""
        doubts: list[CodedWarning] = list(self.inventory.warnings) if self.inventory else []
        for one in self.studies:
            doubts += one.warnings
        for series in self.series:
            doubts += [*series.warnings, *(warning for image in series.images for warning in image.warnings)]
        return {doubt.code for doubt in doubts}

    @property
    def refusals(self) -> list[str]:
        """The codes of all files that were refused, or of the one refusal of everything."""
        if self.refused is not None:
            return [self.refused.code]
        return [rejected.code for rejected in self.inventory.rejected] if self.inventory else []

    def chosen(self) -> Series:
        """The series that would be read, or the only one."""
        assert self.series, f"nothing was read; refused were {self.refusals}"
        return next((series for series in self.series if series.chosen), self.series[0])

    def image(self) -> Image:
        """The picture that would be shown."""
        assert self.chosen().images, "the series holds no picture"
        return self.chosen().images[0]


def _is_beside(image: Image) -> bool:
    return image.source.path is not None and image.source.path.name == BESIDE


@pytest.fixture(scope="module", autouse=True)
def drawer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The only place for temporary files, set before any worker starts."""
    place = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("TMPDIR", "TMP", "TEMP"):
            patch.setenv(variable, str(place))
        patch.setattr(tempfile, "tempdir", str(place))
        yield place


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """End the whole run, with every thread's place, when a case hangs."""
    faulthandler.dump_traceback_later(HANG_S, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_bad_input_gets_its_code(
    case: Case, tmp_path: Path, drawer: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "ZZCANARY^QX"
    folder.mkdir()
    _need(case)
    case.build(folder)
    before = _listing(folder)
    assert before, "the case made no file"
    caplog.set_level(logging.DEBUG)
    caplog.clear()  # what was said while the case was made is not the reader's
    capfd.readouterr()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        seen = _read(folder)
        _judge(case, seen, folder)
    output = capfd.readouterr()
    said = [*seen.said, *_logged(caplog), output.out, output.err, *(str(warning.message) for warning in caught)]
    _check_words(said, folder)
    assert _listing(folder) == before, "the upload was changed"
    del seen
    gc.collect()
    assert not sorted(drawer.rglob("*")), "temporary files were left"


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.behavior.startswith("refused") and case.behavior != "refused_by_ask" and not case.alone],
    ids=str,
)
def test_what_lies_beside_a_bad_input_is_read(case: Case, tmp_path: Path) -> None:
    _need(case)
    case.build(tmp_path)
    stored = builders.STORED + np.uint16(3)
    uids = {"StudyInstanceUID": "1.2.9.1", "SeriesInstanceUID": "1.2.9.2", "SOPInstanceUID": "1.2.9.3", "PatientID": "beside"}
    (tmp_path / BESIDE).write_bytes(builders.one(pixels=stored, **uids))
    inventory = study.read([tmp_path])
    images = [image for one in inventory.studies for series in one.series for image in series.images]
    beside = next(image for image in images if _is_beside(image))
    for image in images:
        if image is not beside:
            _try(image)
    np.testing.assert_array_equal(beside.load(), builders.VALUES + 3)


def test_every_group_has_its_cases_and_every_case_its_own_name() -> None:
    names = [str(case) for case in CASES]
    assert len(set(names)) == len(names) >= 130
    assert {case.group for case in CASES} == set(GROUPS) == set(range(1, 58)) - {41, 43, 44, 47, 48}


@pytest.mark.parametrize(
    "said",
    [
        *("patient zzcanary^qx", "no such file: /tmp/upload/1", "at C:\\\\scans", "<object at 0x7f3a9c001d30>"),
        *('File "reader.py", line 3', "<script>alert(1)</script>", "\x1b[31mred", "abc\u202egpj.exe"),
    ],
)
def test_what_may_not_be_said_would_be_seen(said: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        _check_words([said], tmp_path)


def _need(case: Case) -> None:
    if case.needs is not None and case.needs_path() is None:
        pytest.skip("VESALIUS_DATA is not set or does not hold it: the file that this case is made from is not at hand")


def _read(folder: Path) -> Seen:
    seen = Seen()
    try:
        seen.inventory = study.read([folder])
    except InputRefused as refused:
        seen.refused = refused
        _note(seen, refused)
        return seen
    document = json.dumps(seen.inventory.to_json(), ensure_ascii=False, allow_nan=False)
    seen.said += [document, *(rejected.message for rejected in seen.inventory.rejected)]
    seen.said += _texts(seen.inventory.to_json())
    return seen


def _texts(shown: Any) -> list[str]:
    """Every text in a document, unescaped."""
    if isinstance(shown, dict):
        return [text for name, value in shown.items() for text in (name, *_texts(value))]
    if isinstance(shown, list):
        return [text for value in shown for text in _texts(value)]
    return [shown] if isinstance(shown, str) else []


def _note(seen: Seen, refused: InputRefused) -> None:
    """Keep what a refusal says to a user, and what it would say with its causes in a log."""
    seen.said += [refused.message, json.dumps(refused.to_json())]
    file = io.StringIO()
    traceback.print_exception(refused, file=file)
    causes = re.sub(r'(?m)^  File ".*$|^    .*$|^Traceback.*$', "", file.getvalue())
    seen.said.append(causes)


def _load(seen: Seen) -> np.ndarray[Any, Any]:
    image = seen.image()
    values = _all_of(image)
    expected = image.shape + ((3,) if image.channels == 3 else ())
    assert values.shape == expected, f"loaded {values.shape} where {expected} was stated"
    return values


def _all_of(image: Image) -> np.ndarray[Any, Any]:
    """Everything; of a slide its finest level by region."""
    if image.kind == "slide":
        return _part(image, box_yxyx_px=(0, 0, *image.shape))
    return image.load()


def _part(image: Image, **which: Any) -> np.ndarray[Any, Any]:
    return np.asarray(image.part(Part(**which)))


def _try(image: Image) -> InputRefused | None:
    try:
        values = _all_of(image)
    except InputRefused as refused:
        return refused
    assert values.shape == image.shape + ((3,) if image.channels == 3 else ())
    return None


def _judge(case: Case, seen: Seen, folder: Path) -> None:
    refused = set(seen.refusals)
    assert "reader_fault" not in refused, [rejected.message for rejected in seen.inventory.rejected] if seen.inventory else ""
    if case.behavior == "refused":
        assert refused == case.codes & (refused or case.codes), f"refused were {seen.refusals}, warned of {sorted(seen.codes)}"
        assert not seen.series, "something of it was read"
    elif case.behavior == "part_refused":
        assert refused <= case.codes, seen.refusals
        assert refused, "nothing was refused"
        _check_image(case, seen)
    elif case.behavior in ("refused_at_load", "refused_by_load"):
        _judge_load(case, seen)
    elif case.behavior == "refused_by_ask":
        assert not refused, seen.refusals
        _check_kind(case, seen)
        _judge_ask(case, seen, folder)
    elif case.behavior in ("warned", "warned_by_ask"):
        assert not refused, seen.refusals
        codes = seen.codes if case.behavior == "warned" else seen.codes | _codes_by_ask(seen, folder)
        assert case.codes & codes, f"warned of {sorted(codes)}"
        _check_image(case, seen)
    elif case.behavior == "golden" or (case.behavior == "golden_or_refused" and not refused):
        assert not refused, seen.refusals
        assert not case.codes & seen.codes
        _check_image(case, seen)
    elif case.behavior == "golden_or_refused":
        assert refused <= case.codes, seen.refusals
    else:
        assert case.behavior == "survived"
        for image in (image for series in seen.series for image in series.images):
            if (error := _try(image)) is not None:
                _note(seen, error)


def _judge_load(case: Case, seen: Seen) -> None:
    if case.behavior == "refused_by_load" and seen.refusals:
        assert set(seen.refusals) <= case.codes, seen.refusals
        return
    assert not seen.refusals, seen.refusals
    with pytest.raises(InputRefused) as caught:
        _load(seen)
    _note(seen, caught.value)
    assert caught.value.code in case.codes
    if case.readable_part is not None:
        part = _part(seen.image(), index=case.readable_part)
        np.testing.assert_allclose(part.astype(float), case.values, atol=case.tolerance)


def _judge_ask(case: Case, seen: Seen, folder: Path) -> None:
    with pytest.raises(InputRefused) as caught:
        ask.look_up([folder])
    _note(seen, caught.value)
    assert caught.value.code in case.codes
    if case.code == "no_pixels":
        assert case.kind is not None
        assert case.kind in caught.value.message, "the message does not say what the object is"


def _codes_by_ask(seen: Seen, folder: Path) -> set[str]:
    shown = ask.look_up([folder])
    seen.said += [warning.message for warning in shown.warnings]
    return {warning.code for warning in shown.warnings}


def _check_kind(case: Case, seen: Seen) -> None:
    if case.kind is not None:
        assert seen.chosen().kind == case.kind


def _check_image(case: Case, seen: Seen) -> None:
    """Pixels and places, where the case knows them."""
    _check_kind(case, seen)
    if case.values is not None:
        values = _load(seen) if case.box_yxyx_px is None else _part(seen.image(), box_yxyx_px=case.box_yxyx_px)
        assert values.shape == case.values.shape
        np.testing.assert_allclose(values.astype(float), case.values.astype(float), rtol=1e-6, atol=case.tolerance)
    if case.spacing_mm is not None:
        found = seen.image().spacing_mm
        assert found == (None if case.spacing_mm == "unknown" else pytest.approx(case.spacing_mm))
    if case.affine is not None:
        assert seen.image().affine_lps_mm is None
    if case.window is not None:
        assert seen.image().window == (None if case.window == "unknown" else case.window)
    if case.inverted is not None:
        assert seen.image().inverted == case.inverted


def _logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [f"{record.getMessage()} {record.exc_text or ''}" for record in caplog.records]


def _check_words(said: list[str], folder: Path) -> None:
    for what, pattern in FORBIDDEN.items():
        found = [text[max(0, hit.start() - 60) : hit.end() + 60] for text in said for hit in pattern.finditer(text)]
        assert not found, f"{what} is in {found[:3]}"
    assert not [text for text in said if str(folder.parent) in text], "the upload's path is in a message"


def _listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Names, sizes and modes of all files."""
    return {
        os.path.relpath(path, folder): (path.lstat().st_size, path.lstat().st_mode)
        for path in sorted(folder.rglob("*"))
        if not path.is_dir()
    }
