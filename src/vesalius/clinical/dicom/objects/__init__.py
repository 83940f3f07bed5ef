"""Whole DICOM objects made of arrays, one file a kind; what they have in common is in `write.py`."""
