"""Our own layout on disk: the table of samples, the media beside it, and how training reads both."""
