"""One visit of one patient, before anything is drawn: who comes, with what, to which scanner."""

from dataclasses import dataclass
from typing import cast

import numpy as np

from vesalius.phantom.factors import Factor, Value, Values
from vesalius.phantom.paint import stream
from vesalius.phantom.site import SITES, Look, look_of
from vesalius.phantom.truth import Lesion

HISTORIES = ("none", "smoker", "diabetes", "hypertension", "cancer", "surgery")
FACTORS = {
    "sex": Factor("the patient's sex", choices=("F", "M")),
    "age_years": Factor("the patient's age at the first visit", low=18, high=95, whole=True),
    "history": Factor("what the patient had before", choices=HISTORIES),
    "days": Factor("from the first visit to the second", low=1, high=3650, whole=True),
    "site": Factor("the scanner's look", choices=tuple(SITES)),
}
_PATIENT, _SITE, _BODY, _VISIT, _PLACE = 201, 202, 203, 204, 205  # streams


@dataclass(frozen=True, eq=False)
class Case:
    """What a kind's `draw` is given.

    Attributes:
        lesions: what has to be seen, exactly as stated.
        resolved: what was there at the visit before.
        look: of the scanner.
        values: the kind's own factors that were fixed (size_px, spacing_mm, …).
    """

    kind: str
    seed: int
    visit: int
    day: int
    age_years: int
    sex: str
    history: str
    site: str
    look: Look
    lesions: tuple[Lesion, ...]
    resolved: tuple[Lesion, ...]
    values: Values

    def body(self, *numbers: int) -> np.random.Generator:
        """Random numbers of the patient's body: the same at both visits, whatever is found."""
        return stream(self.kind, self.seed, _BODY, *numbers)

    def pose(self, *numbers: int) -> np.random.Generator:
        """Random numbers of this visit: position, exposure, noise."""
        return stream(self.kind, self.seed, _VISIT, self.visit, *numbers)

    def place(self, lesion: Lesion, *numbers: int) -> np.random.Generator:
        """Random numbers of one lesion: its place and outline, the same at both visits."""
        return stream(self.kind, self.seed, _PLACE, *lesion.finding.encode(), lesion.number, *numbers)

    def of(self, finding: str) -> tuple[Lesion, ...]:
        """The lesions of one finding."""
        return tuple(lesion for lesion in self.lesions if lesion.finding == finding)

    def fixed(self, name: str, default: Value) -> Value:
        """A factor's value if it was fixed."""
        return self.values.get(name, default)


def open_case(
    kind: str, seed: int, visit: int, values: Values, lesions: tuple[Lesion, ...], resolved: tuple[Lesion, ...]
) -> Case:
    """The patient of that seed at one visit; factors that are not in `values` are drawn."""
    rng = stream(kind, seed, _PATIENT)
    drawn: dict[str, Value] = {
        "sex": "F" if rng.random() < 0.5 else "M",
        "age_years": int(rng.integers(20, 90)),
        "days": int(rng.integers(2, 200)),
        "history": HISTORIES[int(rng.integers(len(HISTORIES)))],
        "site": tuple(SITES)[int(rng.integers(len(SITES)))],
    }
    given = {name: values.get(name, value) for name, value in drawn.items()}
    site = str(given["site"])
    return Case(
        kind=kind,
        seed=seed,
        visit=visit,
        day=int(cast(int, given["days"])) if visit else 0,
        age_years=int(cast(int, given["age_years"])),
        sex=str(given["sex"]),
        history=str(given["history"]),
        site=site,
        look=look_of(site, stream(kind, seed, _SITE, visit)),
        lesions=lesions,
        resolved=resolved,
        values=values,
    )
