"""What each class of DICOM object holds: pictures, or something that is named and not shown.

Source: DICOM PS3.4, B.5 (Standard SOP Classes).
"""

from vesalius.errors import InputRefused

_ROOT = "1.2.840.10008.5.1.4.1.1."

# One picture per file. Ultrasound and angiography also come as clips.
PICTURES = frozenset(
    _ROOT + tail
    for tail in (
        *("1", "1.1", "1.1.1", "1.2", "1.2.1", "1.3", "1.3.1"),  # CR, DX, mammography, intra-oral
        *("2", "4", "128", "20"),  # CT, MR, PET, nuclear medicine
        *("6", "6.1", "3", "3.1"),  # ultrasound, the retired classes too
        *("7", "12.1", "12.2", "481.1"),  # secondary capture, angiography, fluoroscopy, radiotherapy image
        *("77.1.1", "77.1.2", "77.1.3", "77.1.4", "77.1.5.1", "77.1.5.2"),  # visible light
    )
)
CLIPS = frozenset(_ROOT + tail for tail in ("3", "3.1", "12.1", "12.2"))
SLICES = frozenset(_ROOT + tail for tail in ("2", "4", "128"))
SECONDARY_CAPTURE = _ROOT + "7"
DIRECTORY = "1.2.840.10008.1.3.10"

# The longest beginning that fits decides; a full stop at the end stands for the whole branch.
_NAMED = {
    "66.4": "segmentation",
    "66.5": "segmentation",
    "66.7": "segmentation",
    "88.": "report",
    "88.59": "other",  # key object selection: a list of references
    "104.": "document",
    "9.": "waveform",
    "481.3": "structures",
    "481.2": "other",  # dose: a grid of gray, not a picture
    "481.": "plan",
    "34.": "plan",
    "11.": "other",  # presentation states
    "66": "other",  # raw data, registrations, fiducials, surfaces, tractography
    "66.": "other",
    "67": "other",
    "4.2": "other",  # spectra
    "38.1": "other",
}


def kind_of(sop_class_uid: str) -> str:
    """`picture`, or the kind by which `inspect` names an object that holds none.

    An empty text counts as a picture: the pixel module then says whether it is one.

    Raises:
        InputRefused: `unsupported_iod` for directories and for pictures that are not read yet: enhanced multi-frame
            objects, slides, video, parametric maps, tomosynthesis, and whatever is unknown.
    """
    if not sop_class_uid or sop_class_uid in PICTURES:
        return "picture"
    if sop_class_uid == DIRECTORY:
        raise InputRefused(
            "unsupported_iod", "A DICOMDIR lists files and holds no picture. It is not needed. Name the files' folder."
        )
    tail = sop_class_uid.removeprefix(_ROOT)
    fits = [start for start in _NAMED if tail == start or (start.endswith(".") and tail.startswith(start))]
    if not fits or tail == sop_class_uid:
        raise InputRefused(
            "unsupported_iod",
            "This class of DICOM object (enhanced multi-frame, slide, video, map or unknown) is not read yet. Its "
            "geometry or timing would be lost. Export it as single-frame images.",
        )
    return _NAMED[max(fits, key=len)]
