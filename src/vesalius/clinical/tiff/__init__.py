"""Parts of the TIFF reader, for pictures and slides."""
