"""`vesalius data`: one verb per file."""
