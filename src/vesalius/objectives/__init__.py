"""Training objectives: one method per file."""
