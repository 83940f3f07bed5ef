"""Pictures beside texts: what encoders are aligned on, and batches of it."""
