"""CT series made by code: a body with lungs, spine, ribs and noise, written as DICOM slices under shuffled names.

Slices lie in the order of their instance numbers, as a scanner numbers them, and file names say nothing of either.
Stored values are 16-bit unsigned with an intercept of -1024, so that rescaling cannot be left out.
"""

import json
import random
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, JPEG2000Lossless

SYNTAXES = {"native": ExplicitVRLittleEndian, "jpeg2000": JPEG2000Lossless}
SPACING_MM = (0.78125, 0.703125)  # rows, columns: not the same, so that an exchange of the axes shows
STEP_MM = 1.25
FIRST_MM = (-187.5, -201.25, -312.0)
INTERCEPT = -1024
NOISE_HU = 14.0
ROOT_UID = "2.25.3187641"

Volume = npt.NDArray[np.int16]


def series_folder(cache: Path, syntax: str, *, slices: int, size_px: int) -> Path:
    """A folder below `cache` with one series of `slices` files; made now unless it is there whole."""
    folder = cache / f"ct-{syntax}-{slices}x{size_px}"
    return _made(folder, syntax, series=1, slices=slices, size_px=size_px)


def headers_folder(cache: Path, *, series: int, slices: int, size_px: int) -> Path:
    """A folder below `cache` with `series` native series of `slices` files each, all of one study."""
    folder = cache / f"headers-{series}x{slices}x{size_px}"
    return _made(folder, "native", series=series, slices=slices, size_px=size_px)


def volume_hu(slices: int, size_px: int, seed: int = 0) -> Volume:
    """A trunk in Hounsfield units, int16 (Z, Y, X), with noise that is smooth over neighboring pixels as in a real scan."""
    random_numbers = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : size_px * 1j, -1 : 1 : size_px * 1j].astype(np.float32)
    found = np.empty((slices, size_px, size_px), dtype=np.int16)
    for index in range(slices):
        plane = _plane_hu(y, x, index / max(slices - 1, 1))
        plane += NOISE_HU * _smooth_noise(random_numbers, size_px)
        found[index] = np.clip(np.rint(plane), INTERCEPT, 3071)
    return found


def _made(folder: Path, syntax: str, *, series: int, slices: int, size_px: int) -> Path:
    done = folder.with_suffix(".json")
    if done.exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    names = [f"{number:05d}.dcm" for number in range(series * slices)]
    random.Random(7).shuffle(names)
    for number in range(series):
        volume = volume_hu(slices, size_px, seed=number)
        for index in range(slices):
            place = folder / names[number * slices + index]
            _write(place, volume[index], syntax, series=number, index=index)
    done.write_text(json.dumps({"series": series, "slices": slices, "size_px": size_px, "syntax": syntax}))
    return folder


def _plane_hu(y: npt.NDArray[np.float32], x: npt.NDArray[np.float32], height: float) -> npt.NDArray[np.float32]:
    """One slice without noise; `height` runs from 0 at the feet's end to 1."""
    plane = np.full(x.shape, -1000.0, dtype=np.float32)
    waist = 0.06 * np.sin(np.pi * height)
    _fill(plane, y, x, (0.05, 0.0), (0.66 - waist, 0.88 - waist), -95.0)  # fat
    _fill(plane, y, x, (0.05, 0.0), (0.59 - waist, 0.80 - waist), 48.0)  # muscle
    breath = np.sin(np.pi * min(max((height - 0.25) / 0.75, 0.0), 1.0))
    for side in (-1.0, 1.0):
        _fill(plane, y, x, (0.0, side * 0.40), (0.46 * breath, 0.30 * breath), -860.0)
        for rib in range(6):
            angle = 0.35 + 0.45 * rib + 0.8 * height
            _fill(plane, y, x, (0.05 + 0.54 * np.cos(angle), side * 0.74 * np.sin(angle)), (0.035, 0.05), 420.0)
    _fill(plane, y, x, (-0.05, 0.08), (0.20 * breath, 0.18 * breath), 42.0)  # heart
    _fill(plane, y, x, (0.40, 0.0), (0.11, 0.13), 260.0)  # vertebra
    _fill(plane, y, x, (0.49, 0.0), (0.04, 0.045), 15.0)  # canal
    plane[np.abs(y - 0.86) < 0.012] = -180.0  # table
    return plane


def _fill(
    plane: npt.NDArray[np.float32],
    y: npt.NDArray[np.float32],
    x: npt.NDArray[np.float32],
    center: tuple[float, float],
    half_axes: tuple[float, float],
    value_hu: float,
) -> None:
    """An ellipse of one value; nothing where a half axis is 0."""
    if min(half_axes) > 1e-3:
        plane[((y - center[0]) / half_axes[0]) ** 2 + ((x - center[1]) / half_axes[1]) ** 2 < 1] = value_hu


def _smooth_noise(random_numbers: np.random.Generator, size_px: int) -> npt.NDArray[np.float32]:
    """Unit variance, correlated over about two pixels."""
    white = random_numbers.standard_normal((size_px + 1, size_px + 1), dtype=np.float32)
    return np.asarray((white[:-1, :-1] + white[1:, :-1] + white[:-1, 1:] + white[1:, 1:]) / 2, dtype=np.float32)


def _write(place: Path, plane_hu: Volume, syntax: str, *, series: int, index: int) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = UID(f"{ROOT_UID}.3.{series}.{index + 1}")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"{ROOT_UID}.1", f"{ROOT_UID}.2.{series}"
    dataset.FrameOfReferenceUID = f"{ROOT_UID}.4"
    dataset.PatientID, dataset.PatientName = "BENCH", ""
    dataset.Modality, dataset.ImageType = "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.StudyDate, dataset.SeriesNumber, dataset.InstanceNumber = "20000101", series + 1, index + 1
    dataset.ImagePositionPatient = [FIRST_MM[0], FIRST_MM[1], FIRST_MM[2] + STEP_MM * index]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing, dataset.SliceThickness = list(SPACING_MM), STEP_MM
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 1, INTERCEPT, "HU"
    dataset.WindowCenter, dataset.WindowWidth = 40, 400
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = plane_hu.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    dataset.PixelData = (plane_hu.astype(np.int32) - INTERCEPT).astype("<u2").tobytes()
    if syntax == "jpeg2000":
        dataset.compress(JPEG2000Lossless, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    dataset.save_as(place, enforce_file_format=True)
