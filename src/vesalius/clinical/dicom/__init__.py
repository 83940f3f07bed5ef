"""The parts of the DICOM reader, and its writers."""
