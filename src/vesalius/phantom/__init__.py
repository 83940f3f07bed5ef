"""The phantom world: medical images whose every truth is known. `phantom.make("chest_ct", seed=7, finding="effusion")`."""

from vesalius.phantom.world import make

__all__ = ["make"]
