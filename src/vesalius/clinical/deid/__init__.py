"""De-identification by DICOM PS3.15 Annex E, and of the other formats in its spirit."""
