"""The colon as a camera sees it."""
