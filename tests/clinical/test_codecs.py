"""The list of codecs says what pydicom would really decode."""

import numpy as np
import pydicom
from pydicom.data import get_testdata_file
from pydicom.uid import UID

from vesalius.clinical.dicom.codecs import FAMILIES, codecs


def test_every_family_is_listed_once_and_counts_its_unread_syntaxes() -> None:
    listed = codecs()
    assert [codec.family for codec in listed] == list(FAMILIES)
    for codec in listed:
        names = {syntax.name for syntax in FAMILIES[codec.family]}
        assert set(codec.unread) <= names
        assert bool(codec.readers) == (set(codec.unread) != names)


def test_a_file_of_a_family_that_is_read_decodes() -> None:
    path = get_testdata_file("MR_small_RLE.dcm", download=False)
    dataset = pydicom.dcmread(path)
    (family,) = [name for name, syntaxes in FAMILIES.items() if UID(dataset.file_meta.TransferSyntaxUID) in syntaxes]
    (codec,) = [codec for codec in codecs() if codec.family == family]
    assert "pydicom" in codec.readers
    assert np.ptp(dataset.pixel_array) > 0
