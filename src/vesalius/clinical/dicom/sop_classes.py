"""What each class of DICOM object holds: pictures, or something that is named and not shown.

Source: DICOM PS3.4, B.5 (Standard SOP Classes).
"""

from vesalius.errors import InputRefused

_ROOT = "1.2.840.10008.5.1.4.1.1."


def _classes(*tails: str) -> frozenset[str]:
    return frozenset(_ROOT + tail for tail in tails)


SLICES = _classes("2", "4", "128")  # one slice per file: CT, MR, PET
# Frames that are slices: enhanced and legacy converted CT, MR and PET, ultrasound and photoacoustic volumes, what is computed
# from X-ray projections (angiography, teeth, breast), parametric maps, optical coherence tomography.
STACKS = _classes(
    *("2.1", "2.2", "4.1", "4.3", "4.4", "128.1", "130", "6.2", "6.3", "13.1.1", "13.1.2", "13.1.3", "30", "77.1.5.4", "77.1.5.8")
)
PARAMETRIC_MAP, DOSE, NUCLEAR, RT_IMAGE = (_ROOT + tail for tail in ("30", "481.2", "20", "481.1"))
SECONDARY_CAPTURES = _classes("7", "7.1", "7.2", "7.3", "7.4")
SEGMENTATIONS = _classes("66.4", "66.7")  # those that are made of pixels
FOUND_BY_PROGRAMS = _classes("88.50", "88.65", "88.69")  # reports of computer-aided detection: breast, chest, colon
DIRECTORY = "1.2.840.10008.1.3.10"
WHOLE_SLIDE = _ROOT + "77.1.6"
# One picture per file, or a clip where there are several frames.
_FLAT = _classes(
    *("1", "1.1", "1.1.1", "1.2", "1.2.1", "1.3", "1.3.1", "13.1.4", "13.1.5"),  # CR, DX, mammography, intra-oral, breast
    *("5", "20"),  # nuclear medicine, the retired class too
    *("6", "6.1", "3", "3.1"),  # ultrasound, the retired classes too
    *("12.1", "12.1.1", "12.2", "12.2.1", "12.3", "481.1"),  # angiography, fluoroscopy, radiotherapy image
    *(
        "77.1.1",
        "77.1.1.1",
        "77.1.2",
        "77.1.2.1",
        "77.1.3",
        "77.1.4",
        "77.1.4.1",
        "77.1.7",
        "77.1.8",
    ),  # visible light, its videos
    *("77.1.5.1", "77.1.5.2", "77.1.5.5", "77.1.5.6", "77.1.5.7", "14.1", "14.2"),  # ophthalmic, from within vessels
)
PICTURES = SLICES | STACKS | SECONDARY_CAPTURES | _FLAT | {DOSE, WHOLE_SLIDE}

# The longest beginning that fits decides; a full stop at the end stands for the whole branch.
_NAMED = {
    "1.1.66.4": "segmentation",
    "1.1.66.5": "segmentation",
    "1.1.66.7": "segmentation",
    "1.1.66.8": "segmentation",
    "1.1.88.": "report",
    "1.1.88.59": "other",  # key object selection: a list of references
    "1.1.104.": "document",
    "1.1.9.": "waveform",
    "1.1.481.3": "structures",
    "1.1.481.": "plan",
    "1.1.481.23": "other",  # radiotherapy images of the second generation
    "1.1.481.24": "other",
    "34.": "plan",
    "1.1.11.": "other",  # presentation states
    "1.1.66": "other",  # raw data, registrations, fiducials, tractography
    "1.1.66.": "other",
    "1.1.67": "other",
    "1.1.68.": "other",  # surface scans
    "1.1.4.2": "other",  # spectra
    "1.1.77.1.5.3": "other",  # which eye pictures make a pair
    "1.1.78.": "other",  # measurements of eyes
    "1.1.79.": "other",
    "1.1.80.": "other",
    "1.1.81.": "other",
    "1.1.82.": "other",
    "1.1.90.": "other",
    "1.1.91.": "other",  # annotations of slides
    "1.1.131": "other",
    "1.1.200.": "other",  # protocols
    "1.1.201.": "other",
    "38.": "other",  # hanging protocols
    "39.": "other",  # palettes
    "43.": "other",  # implants
    "44.": "other",
    "45.": "other",
}


def kind_of(sop_class_uid: str) -> str:
    """`picture`, `directory`, or the kind by which `inspect` names an object that holds none.

    An empty text counts as a picture: the pixel module then says whether it is one.

    Raises:
        InputRefused: `unsupported_iod` for whatever is unknown, makers' own classes among it.
    """
    if not sop_class_uid or sop_class_uid in PICTURES:
        return "picture"
    if sop_class_uid == DIRECTORY:
        return "directory"  # a list of files, which whoever looks at the upload follows
    tail = sop_class_uid.removeprefix("1.2.840.10008.5.1.4.")
    fits = [start for start in _NAMED if tail == start or (start.endswith(".") and tail.startswith(start))]
    if not fits or tail == sop_class_uid:
        raise InputRefused(
            "unsupported_iod",
            "This class of DICOM object is not known here, or a maker's own. What its pixels mean would be guessed. "
            "Export it as a standard object.",
        )
    return _NAMED[max(fits, key=len)]
