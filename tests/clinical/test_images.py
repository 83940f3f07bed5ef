"""Files are told apart by samples of their content, and by all of it where the samples are alike."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from vesalius.clinical import study
from vesalius.clinical.gate import Place
from vesalius.clinical.images import Found, describe
from vesalius.clinical.keys import content_sha256

Write = Callable[..., Path]
LARGE = np.zeros((300, 300), dtype=np.uint16)


def test_large_dicom_files_are_known_by_samples_and_all_others_by_their_content(write_dicom: Write) -> None:
    large, small = write_dicom(pixels=LARGE), write_dicom()
    one, other = describe([Place(large), Place(small)])
    assert isinstance(one, Found)
    assert isinstance(other, Found)
    assert one.facts.is_sampled
    assert one.facts.sha256 != content_sha256(large)
    assert not other.facts.is_sampled
    assert other.facts.sha256 == content_sha256(small)


def test_files_that_differ_in_the_middle_alone_are_no_copies(write_dicom: Write, tmp_path: Path) -> None:
    path = write_dicom(pixels=LARGE)
    changed = bytearray(path.read_bytes())
    changed[len(changed) // 2] ^= 1
    (path.parent / "changed").write_bytes(changed)
    shutil.copy(path, path.parent / "copy")
    (series,) = study.read([path.parent]).studies[0].series
    codes = {warning.code: warning for warning in series.warnings}
    assert codes["uid_conflict"].at == {"instances": 1}
    assert codes["slices_duplicate"].at == {"copies": 1}
    found = describe([Place(path), Place(path.parent / "changed"), Place(path.parent / "copy")])
    hashes = [one.facts.sha256 for one in found if isinstance(one, Found)]
    assert hashes == [content_sha256(path), content_sha256(path.parent / "changed"), content_sha256(path)]
