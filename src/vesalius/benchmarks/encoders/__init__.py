"""What an encoder of pictures and texts is worth: one protocol per file, on vectors alone."""
