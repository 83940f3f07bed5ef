"""Reports: what is said of a patient, planned once and written in each language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vesalius.phantom.findings import FindingKind
from vesalius.phantom.truth import Lesion
from vesalius.types import Finding as State
from vesalius.types import Report


@dataclass(frozen=True)
class Plan:
    """What is said, in no language yet. `told`: each finding of the catalogue as the report tells it."""

    lesions: tuple[Lesion, ...]
    told: Mapping[str, State]


def plan(
    catalogue: Sequence[FindingKind], lesions: Sequence[Lesion], resolved: Sequence[Lesion], rng: np.random.Generator | None
) -> Plan:
    """Choose what is said. `rng` draws it; None gives the canonical form, which mentions every finding."""
    present = {lesion.finding for lesion in lesions}
    return Plan(tuple(lesions), {kind.name: "present" if kind.name in present else "absent" for kind in catalogue})


def write(plan: Plan, kind: str, language: str) -> Report:
    """The report in one language."""
    return Report(" ".join(f"{lesion.finding}." for lesion in plan.lesions), "", language)
