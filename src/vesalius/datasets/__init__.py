"""Published formats, the store, splits and batches."""
