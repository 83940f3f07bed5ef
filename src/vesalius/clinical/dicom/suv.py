"""What PET values are multiplied with to become standardized uptake values by body weight, in g/ml.

Source: the vendor-neutral rules of the Quantitative Imaging Biomarkers Alliance ("SUV vendor-neutral pseudocode", in the
FDG-PET/CT profile); DICOM PS3.3, C.8.9.1 and C.8.9.4. The dose that is left in the syringe is not known and not taken off.
Only classic objects have a factor: enhanced ones state their units elsewhere.
"""

import math
from datetime import datetime, timedelta

from pydicom.dataset import Dataset

from vesalius.clinical.dicom.clock import moment_of
from vesalius.clinical.dicom.file import PARSE_FAULTS
from vesalius.clinical.dicom.items import first
from vesalius.clinical.dicom.values import number, text, values
from vesalius.types import CodedWarning

LEAST_BQ = 1e4  # a smaller dose is one in other units
LARGEST_KG = 1000.0
LEAST_LEFT_BQ = 1.0  # at the time of the scan: with less there is no picture
LONGEST_DECAY_S = 2 * 86_400.0  # between injection and scan; what is longer is an error of dates
_DAY = timedelta(days=1)
_PHILIPS, _PHILIPS_SUV, _PHILIPS_ACTIVITY = (0x7053, "Philips PET Private Group"), 0x00, 0x09
_GE, _GE_SCAN = (0x0009, "GEMS_PETD_01"), 0x0D


def suv_factor(dataset: Dataset) -> float | None:
    """The factor for values as they are read, that is rescaled; None where an attribute is missing or the rules end."""
    units = text(dataset, "Units")
    if units == "GML":
        return 1.0 if text(dataset, "SUVType") in ("", "BW") else None
    if not {"ATTN", "DECY"} <= {str(value) for value in values(dataset, "CorrectedImage")}:
        return None
    if units == "BQML":
        return _per_activity(dataset)
    if units != "CNTS":
        return None
    if _is_positive(stated := _private_number(dataset, _PHILIPS_SUV)):
        return stated
    activity, per_activity = _private_number(dataset, _PHILIPS_ACTIVITY), _per_activity(dataset)
    return activity * per_activity if _is_positive(activity) and per_activity is not None else None


def unavailable() -> CodedWarning:
    """The doubt about a PET of which no factor is known."""
    said = "The file does not say all that standardized uptake values need; its values are what the scanner stored."
    return CodedWarning("suv_unavailable", said)


def _per_activity(dataset: Dataset) -> float | None:
    """Grams of the patient per becquerel that were left of the dose at the moment to which values are corrected."""
    drug = first(dataset, "RadiopharmaceuticalInformationSequence")
    weight_kg, dose_bq = number(dataset, "PatientWeight", math.nan), number(drug, "RadionuclideTotalDose", math.nan)
    half_life_s, corrected_to = number(drug, "RadionuclideHalfLife", math.nan), text(dataset, "DecayCorrection")
    if not (0 < weight_kg <= LARGEST_KG and _is_positive(half_life_s) and _is_positive(dose_bq)) or dose_bq < LEAST_BQ:
        return None
    if corrected_to == "ADMIN":
        return 1000 * weight_kg / dose_bq
    scan = _scan_start(dataset, half_life_s) if corrected_to == "START" else None
    injection = _injection(drug, scan) if scan is not None else None
    if scan is None or injection is None or not 0 <= (decay_s := (scan - injection).total_seconds()) <= LONGEST_DECAY_S:
        return None
    left_bq = dose_bq * 2 ** (-decay_s / half_life_s)
    return 1000 * weight_kg / left_bq if left_bq >= LEAST_LEFT_BQ else None


def _scan_start(dataset: Dataset, half_life_s: float) -> datetime | None:
    """The moment to which START corrects: the series', unless that was stamped when the series was made anew."""
    series, acquisition = (
        moment_of(text(dataset, f"{what}Date") + text(dataset, f"{what}Time")) for what in ("Series", "Acquisition")
    )
    if series is not None and acquisition is not None and series <= acquisition:
        return series
    stated = _private(dataset, *_GE, _GE_SCAN)
    if stated and (scan := moment_of(stated)) is not None:
        return scan
    reference_s, duration_s = (
        number(dataset, keyword, math.nan) / 1000 for keyword in ("FrameReferenceTime", "ActualFrameDuration")
    )
    if acquisition is None or not (_is_positive(reference_s) and _is_positive(duration_s)):
        return None
    decays = math.log(2) / half_life_s * duration_s
    average_s = duration_s / decays * math.log(decays / -math.expm1(-decays))
    return acquisition - timedelta(seconds=reference_s - average_s)


def _injection(drug: Dataset, scan: datetime) -> datetime | None:
    """When the dose was given; a time without a date is the last one before the scan."""
    stated = moment_of(text(drug, "RadiopharmaceuticalStartDateTime"))
    if stated is not None:
        return stated
    time = text(drug, "RadiopharmaceuticalStartTime")
    given = moment_of(f"{scan:%Y%m%d}{time}") if time else None
    return given - _DAY if given is not None and given > scan else given


def _private(dataset: Dataset, group: int, creator: str, element: int) -> str:
    """The text of a maker's own element; empty when there is none."""
    try:
        value = dataset.private_block(group, creator)[element].value
    except PARSE_FAULTS:
        return ""
    if isinstance(value, bytes):  # of a type that the file does not state
        value = value.decode("ascii", "replace")
    return str(value).strip(" \0")


def _private_number(dataset: Dataset, element: int) -> float:
    try:
        return float(_private(dataset, *_PHILIPS, element))
    except ValueError:
        return math.nan


def _is_positive(value: float) -> bool:
    return math.isfinite(value) and value > 0
