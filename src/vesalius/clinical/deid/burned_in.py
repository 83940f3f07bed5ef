"""Where names may be burned into pictures: which kinds of pictures are at risk, and what is known of where the writing is."""

from pydicom.dataset import Dataset

from vesalius.clinical.deid.rules import Box

_ROOT = "1.2.840.10008.5.1.4.1.1."
_ULTRASOUND = tuple(_ROOT + tail for tail in ("3", "3.1", "6", "6.1", "6.2"))
# Screens, ultrasound, angiography, fluoroscopy, visible light: their machines write into the picture.
_WRITTEN_ON = (
    *_ULTRASOUND,
    *(_ROOT + tail for tail in ("7", "7.1", "7.2", "7.3", "7.4", "12.1", "12.1.1", "12.2", "12.2.1", "12.3")),
)
_VISIBLE_LIGHT = _ROOT + "77.1."
_SLIDE = _ROOT + "77.1.6"
_MODALITIES = frozenset({"US", "SC", "OT", "XA", "RF", "ES", "XC", "GM", "OP", "IVUS", "DOC", "SM"})
_DATA_ONLY = tuple(
    _ROOT + tail for tail in ("66.4", "66.7", "481.2", "30", "30.1")
)  # masks, doses, maps: numbers, never a screen


def is_ultrasound(dataset: Dataset) -> bool:
    """Whether the object is an ultrasound picture, a clip or a volume's rendering."""
    return str(dataset.get("SOPClassUID", "")) in _ULTRASOUND


def is_written_on(dataset: Dataset) -> bool:
    """Whether names may be burned into the picture: the header says so, or pictures of its kind often have them.

    A header that says NO is not believed: nothing ever ensured that it is true.
    """
    sop_class = str(dataset.get("SOPClassUID", ""))
    if sop_class.startswith(_DATA_ONLY):
        return False
    said_yes = str(dataset.get("BurnedInAnnotation", "")).strip().upper() == "YES"
    is_kind = sop_class in _WRITTEN_ON or (sop_class.startswith(_VISIBLE_LIGHT) and sop_class != _SLIDE)
    is_color = str(dataset.get("PhotometricInterpretation", "")).startswith(("RGB", "YBR")) and sop_class != _SLIDE
    is_digitized = bool(dataset.get("ConversionType")) or "SCREEN SAVE" in str(dataset.get("ImageType", "")).upper()
    is_modality = str(dataset.get("Modality", "")).strip().upper() in _MODALITIES and sop_class != _SLIDE
    return said_yes or is_kind or is_color or is_digitized or is_modality


def ultrasound_regions(dataset: Dataset) -> list[Box]:
    """Where an ultrasound picture shows ultrasound, half open; what lies outside is the machine's writing.

    Source: DICOM PS3.3 C.8.5.5.1.1 (Region Location).
    """
    regions = []
    for item in dataset.get("SequenceOfUltrasoundRegions") or []:
        corners = [item.get(f"RegionLocation{name}") for name in ("MinX0", "MinY0", "MaxX1", "MaxY1")]
        if all(isinstance(corner, int) for corner in corners):
            x0, y0, x1, y1 = corners
            regions.append((x0, y0, x1 + 1, y1 + 1))
    return [region for region in regions if region[0] < region[2] and region[1] < region[3]]
