"""Placeholders that do not fit the pictures and regions of their sample."""

from collections.abc import Iterator

from vesalius.datasets.faults import Fault
from vesalius.datasets.lint.seen import Asked, Seen
from vesalius.types import PLACEHOLDER

CODES = ("placeholder_mismatch",)


class Check:
    """Compares what the turns name with what there is."""

    def __init__(self, asked: Asked) -> None:
        pass

    def sample(self, seen: Seen) -> Iterator[Fault]:
        """Pictures that no turn names are as wrong as those that are named and not there: the model never learns of them."""
        sample = seen.sample
        named: dict[str, set[int]] = {"image": set(), "region": set()}
        for turn in sample.turns:
            for kind, index in PLACEHOLDER.findall(turn.text):
                named[kind].add(int(index))
        if sample.turns and named["image"] != set(range(len(sample.images))):
            counts = {"named": len(named["image"]), "pictures": len(sample.images)}
            said = "The turns name {named} pictures and the sample has {pictures}.".format(**counts)
            if counts["named"] == counts["pictures"]:
                said = f"The turns name picture {max(named['image'])} and the sample has {counts['pictures']}, counted from 0."
            yield seen.fault("placeholder_mismatch", said, **counts)
        if named["region"] - set(range(len(sample.regions))):
            said = f"The turns name region {max(named['region'])} and the sample has {len(sample.regions)}, counted from 0."
            yield seen.fault("placeholder_mismatch", said)

    def end(self) -> Iterator[Fault]:
        """Nothing more."""
        yield from ()
