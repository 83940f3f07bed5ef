"""The controlled world: simulated pictures whose every truth is known."""
