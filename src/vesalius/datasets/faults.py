"""Faults: what is wrong with a dataset, where, and how bad; said by readers and by lint in the same words."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vesalius.errors import FAULTS, InputRefused, Problem


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        code: a key of `errors.FAULTS`, which also says how bad it is.
        where: the place as its owner finds it: "record 12", "line 3", "sample 7", "row 4 of train.csv" where the format itself
            fixes that file's name; never the name of a patient's file.
        message: what is wrong there, with the numbers that show it; no text of a patient.
        key: the key of the sample that has it, or "".
        example: more for whoever looks: JSON-able facts (a box and the size of its picture, a correlation).
    """

    code: str
    where: str
    message: str
    key: str = ""
    example: tuple[tuple[str, Any], ...] = ()

    def __post_init__(self) -> None:
        assert self.code in FAULTS, f"unregistered code {self.code}"

    @property
    def severity(self) -> str:
        """error, warning or note."""
        return FAULTS[self.code][0]

    def to_json(self) -> dict[str, Any]:
        """Flat, JSON-able."""
        said = {"code": self.code, "severity": self.severity, "where": self.where, "message": self.message}
        return {**said, "key": self.key, **dict(self.example)}


Tell = Callable[[Fault], None]


def refuse(fault: Fault) -> None:
    """What readers do with a fault when nobody collects them: stop there. A note or a warning is let pass.

    Raises:
        InputRefused: `bad_dataset`.
    """
    if fault.severity == "error":
        raise InputRefused(
            "bad_dataset",
            f"{fault.where}: {fault.message} What is learnt or scored without it would be wrong without anyone noticing. "
            "`vesalius data lint` lists everything of the kind; mend it, or convert the folder, which leaves such records out "
            "and says so.",
            [Problem(fault.where, fault.message)],
        )
