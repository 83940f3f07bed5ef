"""The verbs of the command line, each readable top to bottom."""
