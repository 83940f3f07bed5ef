"""The chest: spans along the beam, for radiographs and for CT."""
