"""Some slices or frames of a picture are damaged: one refusal that says which."""

from collections.abc import Mapping, Sequence

from vesalius.errors import InputRefused

LISTED = 16


def together(refusals: Mapping[int, InputRefused], count: int, what: str) -> InputRefused:
    """The first refusal, saying of which pieces it and the others are.

    Args:
        refusals: by the index of the piece, in order, at least one.
        count: how many pieces there are; of a single one its own refusal stands.
        what: the pieces' name in the plural, as it begins a sentence.
    """
    first = next(iter(refusals.values()))
    return first if count == 1 else InputRefused(first.code, f"{what} {numbered(list(refusals))} of {count}: {first.message}")


def numbered(indices: Sequence[int]) -> str:
    """Indices as people count, from 1; the first `LISTED` of them."""
    return ", ".join(str(index + 1) for index in indices[:LISTED]) + (" …" if len(indices) > LISTED else "")
