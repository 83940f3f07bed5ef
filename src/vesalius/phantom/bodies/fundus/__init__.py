"""The back of the eye, as photographed."""
