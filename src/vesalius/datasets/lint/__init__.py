"""What `vesalius data lint` looks for: one kind of check per file."""
