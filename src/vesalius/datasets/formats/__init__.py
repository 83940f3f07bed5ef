"""Formats that programs exchange datasets in: one format per file, read and mostly written."""
