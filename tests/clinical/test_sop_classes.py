import pytest
from pydicom import uid

from vesalius.clinical.dicom.sop_classes import kind_of
from vesalius.errors import InputRefused


@pytest.mark.parametrize(
    ("sop_class", "kind"),
    [
        (uid.CTImageStorage, "picture"),
        (uid.DigitalXRayImageStorageForPresentation, "picture"),
        (uid.UltrasoundMultiFrameImageStorage, "picture"),
        (uid.SegmentationStorage, "segmentation"),
        (uid.ComprehensiveSRStorage, "report"),
        (uid.KeyObjectSelectionDocumentStorage, "other"),
        (uid.EncapsulatedPDFStorage, "document"),
        (uid.TwelveLeadECGWaveformStorage, "waveform"),
        (uid.RTStructureSetStorage, "structures"),
        (uid.RTPlanStorage, "plan"),
        (uid.RTDoseStorage, "other"),
        (uid.GrayscaleSoftcopyPresentationStateStorage, "other"),
        (uid.SpatialRegistrationStorage, "other"),
    ],
)
def test_an_object_is_named_by_what_it_holds(sop_class: str, kind: str) -> None:
    assert kind_of(sop_class) == kind


@pytest.mark.parametrize(
    "sop_class",
    [
        uid.EnhancedCTImageStorage,
        uid.BreastTomosynthesisImageStorage,
        uid.VLWholeSlideMicroscopyImageStorage,
        uid.ParametricMapStorage,
        uid.VideoEndoscopicImageStorage,
        uid.MediaStorageDirectoryStorage,
        "1.2.3.4",
    ],
)
def test_what_is_not_read_yet_is_refused(sop_class: str) -> None:
    with pytest.raises(InputRefused) as caught:
        kind_of(sop_class)
    assert caught.value.code == "unsupported_iod"
