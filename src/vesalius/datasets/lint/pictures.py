"""Pictures that are the same or nearly the same, of different patients or in two splits."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from vesalius.datasets.duplicates.pairs import near_duplicates
from vesalius.datasets.duplicates.prints import Prints
from vesalius.datasets.faults import Fault
from vesalius.datasets.lint.seen import Asked, Seen

CODES = ("picture_duplicate", "picture_near_duplicate", "picture_across_splits")


@dataclass
class _Where:
    """The first place of a picture, and everyone whom it is of."""

    where: str
    key: str
    patients: set[str] = field(default_factory=set)
    studies: set[str] = field(default_factory=set)
    splits: set[tuple[str, str]] = field(default_factory=set)  # patient, split


class Check:
    """Remembers whom each picture is of, and compares prints at the end."""

    def __init__(self, asked: Asked) -> None:
        self._places: dict[int, _Where] = {}
        self._prints = Prints()

    def sample(self, seen: Seen) -> Iterator[Fault]:
        """Remembers only. Pictures for comparison stand beside many patients on purpose."""
        origin = seen.sample.provenance
        for look, shown in zip(seen.looks, seen.sample.images, strict=True):
            if shown.role == "reference":
                continue
            for plane in look.prints:
                self._prints.add(look.number, plane)
            place = self._places.setdefault(look.number, _Where(seen.where, seen.sample.key))
            place.patients.add(origin.patient_key)
            if shown.role == "current":
                place.studies.add(origin.study_key)
            if origin.split is not None:
                place.splits.add((origin.patient_key, origin.split))
        yield from ()

    def end(self) -> Iterator[Fault]:
        """One fault for each picture that stands twice, and for each pair of pictures."""
        for place in self._places.values():
            if (splits := _parted(place.splits, place.splits)) and not _one_patient(place, place):
                said = f"The very same picture, of different patients, lies in {splits}."
                yield Fault("picture_across_splits", place.where, said, place.key)
            elif len(place.patients) > 1 or len(place.studies) > 1:
                count = f"{len(place.patients)} patients, {len(place.studies)} studies"
                yield Fault("picture_duplicate", place.where, f"One picture stands for {count}.", place.key)
        for pair in near_duplicates(self._prints, self._matters):
            one, other = self._places[pair.one], self._places[pair.other]
            example = (("likeness", pair.likeness), ("mirrored", pair.is_mirrored), ("other", other.key))
            how = f"{'mirrored ' if pair.is_mirrored else ''}correlation {pair.likeness:.2f}"
            if splits := _parted(one.splits, other.splits):
                said = f"Its picture is nearly that of {other.where} ({how}), and they lie in {splits}."
                yield Fault("picture_across_splits", one.where, said, one.key, example)
            else:
                said = f"Its picture is nearly that of {other.where}, of another patient ({how})."
                yield Fault("picture_near_duplicate", one.where, said, one.key, example)

    def _matters(self, one: int, other: int) -> bool:
        return not _one_patient(self._places[one], self._places[other])


def _one_patient(one: _Where, other: _Where) -> bool:
    return len(one.patients | other.patients) == 1


def _parted(ones: set[tuple[str, str]], others: set[tuple[str, str]]) -> str:
    """The two splits in which different patients lie, or ""."""
    for patient, split in sorted(ones):
        for another, second in sorted(others):
            if patient != another and split != second:
                return f"{split} and {second}"
    return ""
