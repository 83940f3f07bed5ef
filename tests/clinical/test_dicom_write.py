import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vesalius.clinical import keys
from vesalius.clinical.dicom.facts import Header
from vesalius.clinical.dicom.objects.radiograph import write_radiograph
from vesalius.clinical.dicom.write import Names, Visit
from vesalius.clinical.gate import Place
from vesalius.clinical.images import Found, describe, open_image
from vesalius.errors import UsageError

PIXELS = (np.arange(48 * 40) * 7 % 4096).astype(np.uint16).reshape(48, 40)
VISIT = Visit("PHANTOM-1", "2.25.1", 12, "F", 61.5, keys.PHANTOM_MANUFACTURER)
NAMES = Names("2.25.2", "2.25.3")


def write(path: Path, pixels: np.ndarray = PIXELS, view: str = "PA", **changed: Any) -> None:
    spacing_mm = changed.pop("spacing_mm", (0.4, 0.3))
    write_radiograph(path, pixels, replace(VISIT, **changed), NAMES, spacing_mm=spacing_mm, view=view)


def header_of(path: Path) -> Header:
    (found,) = describe([Place(path)])
    assert isinstance(found, Found)
    assert found.facts.header is not None
    return found.facts.header


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    write(path)
    image = open_image(path)
    np.testing.assert_array_equal(image.load(), PIXELS)
    assert (image.spacing_mm, image.modality, image.view, image.day) == ((0.4, 0.3), "DX", "PA", 12.0)
    assert (image.window, image.inverted, image.warnings) == ((2048.0, 4096.0), False, ())


def test_the_keys_of_phantoms_are_the_same_on_every_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.dcm"
    write(path)
    first = header_of(path)
    monkeypatch.setenv(keys.SALT_VARIABLE, "of another machine")
    assert header_of(path).series_key == first.series_key
    assert first.patient_key == keys.phantom_patient_key("PHANTOM-1")
    assert first.study_key == keys.phantom_study_key("2.25.1")


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.dcm", "b.dcm"):
        write(tmp_path / name)
    assert (tmp_path / "a.dcm").read_bytes() == (tmp_path / "b.dcm").read_bytes()


@pytest.mark.parametrize("view", ["PA", "AP", "LL", "RL"])
def test_the_file_is_valid_to_an_independent_checker(tmp_path: Path, view: str) -> None:
    checker = shutil.which("dciodvfy")
    if checker is None:
        pytest.skip("dciodvfy is not installed: Debian's dicom3tools has it")
    write(tmp_path / "a.dcm", view=view)
    said = subprocess.run([checker, "-new", tmp_path / "a.dcm"], capture_output=True, text=True, check=False)
    assert said.stderr.split() == ["DXImageForPresentation"]


@pytest.mark.parametrize(
    ("pixels", "changed"),
    [
        (PIXELS.astype(np.float32), {}),
        (PIXELS + np.uint16(4096), {}),
        (PIXELS, {"view": "sideways"}),
        (PIXELS, {"sex": "?"}),
        (PIXELS, {"age_years": -1}),
        (PIXELS, {"spacing_mm": (0.0, 1.0)}),
    ],
)
def test_what_the_file_cannot_hold_is_refused(tmp_path: Path, pixels: np.ndarray, changed: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        write(tmp_path / "a.dcm", pixels, **changed)
    assert not list(tmp_path.iterdir())
