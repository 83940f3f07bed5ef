import pytest
from pydicom import uid

from vesalius.clinical.dicom.sop_classes import kind_of
from vesalius.errors import InputRefused


@pytest.mark.parametrize(
    ("sop_class", "kind"),
    [
        (uid.MediaStorageDirectoryStorage, "directory"),
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
        (uid.RTDoseStorage, "picture"),
        (uid.EnhancedCTImageStorage, "picture"),
        (uid.BreastTomosynthesisImageStorage, "picture"),
        (uid.ParametricMapStorage, "picture"),
        (uid.VLWholeSlideMicroscopyImageStorage, "picture"),
        ("1.2.840.10008.5.1.4.1.1.66.7", "segmentation"),
        (uid.RTBeamsDeliveryInstructionStorage, "plan"),
        (uid.GrayscaleSoftcopyPresentationStateStorage, "other"),
        (uid.SpatialRegistrationStorage, "other"),
    ],
)
def test_an_object_is_named_by_what_it_holds(sop_class: str, kind: str) -> None:
    assert kind_of(sop_class) == kind


@pytest.mark.parametrize("sop_class", ["1.2.3.4", "1.2.840.10008.5.1.4.1.1.9999"])
def test_what_is_unknown_is_refused(sop_class: str) -> None:
    with pytest.raises(InputRefused) as caught:
        kind_of(sop_class)
    assert caught.value.code == "unsupported_iod"


def test_pictures_of_the_standard_are_pictures_but_those_that_are_made_of_baggage_and_pipes() -> None:
    elsewhere = (
        "DICOS",
        "Eddy Current",
        "Whole Slide",
        "Tiled Pyramidal",
        "Enhanced RT",
        "Enhanced Continuous RT",
        "Zero Padded",
    )
    found = {
        name: called
        for name, (called, kind, _, retired, _) in uid.UID_dictionary.items()
        if kind == "SOP Class" and "Image Storage" in called and not retired and not any(word in called for word in elsewhere)
    }
    assert len(found) > 40
    assert {called: kind_of(name) for name, called in found.items()} == dict.fromkeys(found.values(), "picture")


def test_everything_else_that_the_standard_stores_has_a_name() -> None:
    named = {
        called: kind_of(name)
        for name, (called, kind, _, retired, _) in uid.UID_dictionary.items()
        if kind == "SOP Class"
        and called.endswith("Storage")
        and not retired
        and not any(word in called for word in ("Image", "DICOS", "Media Storage Directory"))
    }
    assert len(named) > 80
    kinds = {"segmentation", "report", "document", "waveform", "structures", "plan", "other"}
    assert set(named.values()) - {"picture"} == kinds
    pictures = {called for called, kind in named.items() if kind == "picture"}
    assert pictures == {
        *("RT Dose Storage", "Parametric Map Storage", "Enhanced US Volume Storage"),
        "Ophthalmic Optical Coherence Tomography B-scan Volume Analysis Storage",
    }
