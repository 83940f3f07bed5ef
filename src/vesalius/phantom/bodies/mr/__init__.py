"""Magnetic resonance: space, tissues and signals, for every body that is put into that scanner."""
