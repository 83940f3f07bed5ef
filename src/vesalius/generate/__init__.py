"""Prompts, decoding, box codecs and the parser of a model's output."""
