"""What is asked and how it is scored: one benchmark per file."""
