"""JSON files beside volumes, as BIDS has them: the keys that are known to be technique stay, everything else goes.

Source: BIDS 1.10, "MRI and PET sidecar metadata".
"""

import json
import re
from typing import Any, BinaryIO

from vesalius.clinical.deid import seeds
from vesalius.clinical.deid.raster import read_whole
from vesalius.clinical.deid.rules import Rules
from vesalius.clinical.deid.told import Told
from vesalius.errors import InputRefused

LIMIT_BYTES = 2**24
_TEXT = re.compile(r"[A-Za-z0-9 ._/+*()-]{0,64}")
_IDENTITIES = ("PatientName", "PatientID", "AccessionNumber", "InstitutionName", "ReferringPhysicianName", "OperatorsName")
KEYS = frozenset(
    [
        *("Modality", "MagneticFieldStrength", "ImagingFrequency", "Manufacturer", "ManufacturersModelName", "BodyPartExamined"),
        *("PatientPosition", "MRAcquisitionType", "ScanningSequence", "SequenceVariant", "ScanOptions", "PulseSequenceType"),
        *("SliceThickness", "SpacingBetweenSlices", "EchoTime", "EchoTime1", "EchoTime2", "EchoNumber", "EchoTrainLength"),
        *("RepetitionTime", "RepetitionTimeExcitation", "RepetitionTimePreparation", "InversionTime", "FlipAngle", "Units"),
        *("PhaseEncodingDirection", "PhaseEncodingAxis", "PhaseEncodingSteps", "PhaseEncodingPolarityGE", "EffectiveEchoSpacing"),
        *("TotalReadoutTime", "EstimatedEffectiveEchoSpacing", "EstimatedTotalReadoutTime", "PartialFourier", "PercentPhaseFOV"),
        *(
            "PercentSampling",
            "ParallelReductionFactorInPlane",
            "ParallelReductionFactorOutOfPlane",
            "ParallelAcquisitionTechnique",
        ),
        *("MultibandAccelerationFactor", "PixelBandwidth", "DwellTime", "SliceTiming", "SliceEncodingDirection", "SAR"),
        *("BaseResolution", "AcquisitionMatrixPE", "ReconMatrixPE", "ImageOrientationPatientDICOM", "NumberOfAverages"),
        *("InPlanePhaseEncodingDirectionDICOM", "NumberOfVolumesDiscardedByScanner", "NumberOfVolumesDiscardedByUser"),
        *("ConversionSoftware", "ConversionSoftwareVersion", "DelayTime", "MTState", "SpoilingState", "ContrastBolusIngredient"),
        *(
            "PostLabelingDelay",
            "LabelingDuration",
            "ArterialSpinLabelingType",
            "BackgroundSuppression",
            "M0Type",
            "TotalAcquiredPairs",
        ),
        *(
            "FrameTimesStart",
            "FrameDuration",
            "InjectedRadioactivity",
            "InjectedRadioactivityUnits",
            "InjectedMass",
            "TracerName",
        ),
        *("TracerRadionuclide", "ReconMethodName", "AttenuationCorrection", "DecayCorrectionFactor", "ImageDecayCorrected"),
        *("ConvolutionKernel", "KVP", "XRayExposure", "ExposureTime", "XRayTubeCurrent", "ReconstructionDiameter", "ImageType"),
    ]
)


def clean(source: BinaryIO, target: BinaryIO, rules: Rules) -> Told:
    """Write the allow-listed keys whose values are numbers, yes or no, short plain texts, or lists of these.

    Raises:
        InputRefused: `not_cleanable`, when nothing is left or the content is no JSON object; `size_limit`.
    """
    stated = _read(source)
    found = {seed for key in _IDENTITIES for seed in seeds.parts_of(str(stated.get(key, "")))}
    patterns = seeds.Patterns(found)
    kept = {key: value for key, value in stated.items() if key in KEYS and _is_plain(value)}
    kept = {key: value for key, value in kept.items() if not patterns.count(str(value).encode())}
    if not kept:
        raise InputRefused(
            "not_cleanable", "The JSON file holds no known technique. Everything else could name somebody. It was left out."
        )
    target.write(json.dumps(kept, indent=1, allow_nan=False).encode("ascii"))
    return Told(".json", seeds=tuple(sorted(found)))


def side_matter(source: BinaryIO) -> bool:
    """Whether there is a key or a value that `clean` would drop."""
    return any(key not in KEYS or not _is_plain(value) for key, value in _read(source).items())


def _read(source: BinaryIO) -> dict[str, Any]:
    content = read_whole(source, LIMIT_BYTES)
    try:
        stated = json.loads(content)
    except (ValueError, RecursionError):
        stated = None
    if not isinstance(stated, dict):
        raise InputRefused("not_cleanable", "The content is no JSON object. Nothing in it is known to be safe. It was left out.")
    return stated


def _is_plain(value: object) -> bool:
    if isinstance(value, list):
        return all(not isinstance(part, list) and _is_plain(part) for part in value)
    if isinstance(value, float):
        return value == value and abs(value) != float("inf")
    return isinstance(value, bool | int) or (isinstance(value, str) and _TEXT.fullmatch(value) is not None)
