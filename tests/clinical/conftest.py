"""DICOM files made by code, one attribute at a time wrong; and the real ones, where VESALIUS_DATA names them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian


@pytest.fixture(autouse=True)
def salt(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same keys in every run."""
    monkeypatch.setenv("VESALIUS_SALT", "a salt for tests")


@pytest.fixture
def write_dicom(tmp_path: Path) -> Callable[..., Path]:
    """Writes a CT slice of 6 x 5 pixels, 2 mm above the one before; attributes as keywords, None leaves one out."""
    count = 0

    def write(name: str = "", *, pixels: np.ndarray[Any, Any] | None = None, folder: str = "series", **attributes: Any) -> Path:
        nonlocal count
        index, count = count, count + 1
        if pixels is None:
            pixels = (np.arange(30, dtype=np.uint16).reshape(6, 5) + 100 * index).astype(np.uint16)
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        values = {
            "SOPClassUID": CTImageStorage,
            "SOPInstanceUID": f"1.2.3.{index + 1}",
            "PatientID": "Zebra^Q",
            "StudyInstanceUID": "1.2.3.100",
            "SeriesInstanceUID": "1.2.3.200",
            "StudyDate": "20110203",
            "Modality": "CT",
            "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
            "InstanceNumber": index + 1,
            "ImagePositionPatient": [-10.0, -20.0, 2.0 * index],
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
            "PixelSpacing": [0.5, 0.4],
            "RescaleSlope": 1,
            "RescaleIntercept": -1024,
            "WindowCenter": 40,
            "WindowWidth": 400,
            "SamplesPerPixel": 1 if pixels.ndim == 2 or pixels.shape[-1] != 3 else 3,
            "PhotometricInterpretation": "MONOCHROME2",
            "Rows": pixels.shape[0],
            "Columns": pixels.shape[1],
            "BitsAllocated": 8 * pixels.dtype.itemsize,
            "BitsStored": 8 * pixels.dtype.itemsize,
            "HighBit": 8 * pixels.dtype.itemsize - 1,
            "PixelRepresentation": int(pixels.dtype.kind == "i"),
            "PixelData": pixels.tobytes(),
        } | attributes
        meta.MediaStorageSOPClassUID = values["SOPClassUID"] or CTImageStorage
        meta.MediaStorageSOPInstanceUID = values["SOPInstanceUID"]
        for keyword, value in values.items():
            if value is not None:
                setattr(dataset, keyword, value)
        path = tmp_path / folder / (name or f"file{index:03d}")
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset.save_as(path, enforce_file_format=True)
        return path

    return write
