"""The command line: its verbs, what they print, and the exit codes."""
