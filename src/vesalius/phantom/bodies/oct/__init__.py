"""The layers of the macula."""
