"""A split that is frozen: the hash of each part's keys, and of the manifest, in the dataset's card; whether they still hold."""

import re
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from vesalius.clinical.keys import content_sha256
from vesalius.datasets.store.table import CARD, MANIFEST
from vesalius.errors import InputRefused
from vesalius.types import Sample

TITLE = "## Frozen"
_ROW = re.compile(r"^\| (train|validation|test|none|manifest) \| (\d*) \| ([0-9a-f]{64}) \|$", re.MULTILINE)


def hashes(samples: Iterable[Sample]) -> dict[str, tuple[int, str]]:
    """For each split the number of samples and the sha256 of their sorted keys, one a line."""
    keys: dict[str, list[str]] = {}
    for sample in samples:
        keys.setdefault(sample.provenance.split or "none", []).append(sample.key)
    return {split: (len(of), sha256("\n".join(sorted(of)).encode()).hexdigest()) for split, of in sorted(keys.items())}


def freeze(folder: Path, samples: Iterable[Sample]) -> dict[str, tuple[int, str]]:
    """Write the hashes below the card's text, in place of those that stand there."""
    found = hashes(samples)
    rows = [f"| {split} | {count} | {digest} |" for split, (count, digest) in found.items()]
    rows.append(f"| manifest |  | {content_sha256(folder / MANIFEST)} |")
    page = folder / CARD
    text = page.read_text(encoding="utf-8").partition(TITLE)[0].rstrip()
    said = "Of each split the sha256 of its sample keys, sorted, one a line; of the manifest that of its file."
    table = "\n".join(["| what | samples | sha256 |", "| --- | --- | --- |", *rows])
    page.write_text(f"{text}\n\n{TITLE}\n\n{said}\n\n{table}\n", encoding="utf-8")
    return found


def broken(folder: Path, samples: Iterable[Sample]) -> list[str]:
    """What no longer is as the card says, in words; empty when all holds.

    Raises:
        InputRefused: `bad_dataset`: the card states no hashes.
    """
    page = folder / CARD
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    stated = {name: (count, digest) for name, count, digest in _ROW.findall(text.partition(TITLE)[2])}
    if not stated:
        raise InputRefused(
            "bad_dataset",
            "The card states no hashes of splits. There is nothing to check it by. `vesalius data split` writes them.",
        )
    manifest = stated.pop("manifest", None)
    found = {split: (str(count), digest) for split, (count, digest) in hashes(samples).items()}
    wrong = [f"the samples of {split} are not those that were frozen" for split in stated if found.get(split) != stated[split]]
    wrong += [f"{split} was not there when it was frozen" for split in found if split not in stated]
    if manifest is None or manifest[1] != content_sha256(folder / MANIFEST):
        wrong.append("the manifest is another file than the one that was frozen")
    return wrong
