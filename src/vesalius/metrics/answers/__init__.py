"""Which short answers mean the same, and which of several options an answer names: by rules, never by resemblance."""
