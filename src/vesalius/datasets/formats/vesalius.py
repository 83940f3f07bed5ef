"""Our own layout: `samples.parquet`, one row per sample; `media/`, files named by their content's hash; `CARD.md`.

What:       any samples; how many, of how many patients, is counted in the folder's own card.
Layout:     `datasets/store/schema.py` has the columns.
Licence:    per sample, in `provenance.licence`.
"""

from collections.abc import Iterator

from vesalius.datasets.faults import Tell, refuse
from vesalius.datasets.store import table
from vesalius.datasets.store.places import Root
from vesalius.datasets.store.table import recognizes
from vesalius.types import Sample

__all__ = ["read", "recognizes"]


def read(root: Root, tell: Tell = refuse) -> Iterator[Sample]:
    """The samples of a folder or of what a URL names, in the order in which they were written.

    Raises:
        InputRefused: `bad_dataset`.
    """
    yield from table.read(root, tell)
