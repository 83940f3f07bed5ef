"""The training loop, its optimizer, checkpoints, logs and curves."""
