"""The head: skull, cortex, inner parts, signals and what is wrong."""
