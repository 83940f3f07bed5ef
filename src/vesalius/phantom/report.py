"""A short report of a chest radiograph, made from its list of lesions by a small grammar.

It holds no size in millimetres: a measurement is made on a region, never read out of a text.
"""

from collections.abc import Sequence

import numpy as np

from vesalius.phantom.truth import Lesion
from vesalius.types import Report

# The first form of each list is the canonical one.
_EFFUSION = (
    "{severity} {side} pleural effusion.",
    "There is a {severity} pleural effusion on the {side}.",
    "{severity} amount of pleural fluid at the {side} base.",
)
_NODULE = (
    "Nodule in the {side} {zone} zone.",
    "Round opacity in the {side} {zone} zone, a nodule.",
    "There is a nodule in the {side} {zone} zone.",
)
_CONSOLIDATION = (
    "Consolidation in the {side} {zone} zone.",
    "Patchy airspace consolidation in the {side} {zone} zone.",
    "There is consolidation of the {side} lung, {zone} zone.",
)
_FORMS = {"effusion": _EFFUSION, "nodule": _NODULE, "consolidation": _CONSOLIDATION}
_NORMAL = {
    "effusion": ("No pleural effusion.", "The costophrenic angles are clear.", "No pleural fluid."),
    "nodule": ("No nodule.", "No nodules are seen.", "No focal nodule."),
    "consolidation": ("No consolidation.", "No airspace disease.", "No focal consolidation."),
}
_CLEAR = ("The lungs are clear.", "Clear lungs.", "Both lungs are clear.")
_HEART = ("The heart is of normal size.", "Normal heart size.", "Cardiac silhouette within normal limits.")
_NOTHING = ("Normal chest radiograph.", "No acute finding.", "Unremarkable chest radiograph.")


def write(lesions: Sequence[Lesion], rng: np.random.Generator | None = None) -> Report:
    """Findings and impression for exactly these lesions.

    Args:
        lesions: what is seen, in the order to be told.
        rng: draws wordings and the order of normal sentences; None gives the canonical form.
    """
    seen = {lesion.finding for lesion in lesions}
    told = [_sentence(lesion, rng) for lesion in lesions]
    if seen:
        rest = [_pick(forms, rng) for finding, forms in _NORMAL.items() if finding not in seen]
    else:
        rest = [_pick(_CLEAR, rng), _pick(_NORMAL["effusion"], rng)]
    rest.append(_pick(_HEART, rng))
    if rng is not None:
        rest = [rest[i] for i in rng.permutation(len(rest))]
    return Report(findings=" ".join(told + rest), impression=_impression(lesions, rng))


def _sentence(lesion: Lesion, rng: np.random.Generator | None) -> str:
    """One lesion in one sentence."""
    text = _pick(_FORMS[lesion.finding], rng).format(severity=lesion.severity, side=lesion.side, zone=lesion.zone)
    return text[0].upper() + text[1:]


def _impression(lesions: Sequence[Lesion], rng: np.random.Generator | None) -> str:
    """The findings with their sides, each kind once."""
    parts = []
    for finding in _FORMS:
        sides = sorted({lesion.side for lesion in lesions if lesion.finding == finding}, reverse=True)
        many = sum(lesion.finding == finding for lesion in lesions) > 1
        if sides:
            where = "bilateral" if len(sides) == 2 else sides[0]
            name = {"effusion": "pleural effusion", "nodule": "lung nodules" if many else "lung nodule"}.get(finding, finding)
            parts.append(f"{where} {name}")
    if not parts:
        return _pick(_NOTHING, rng)
    text = ", ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _pick(forms: Sequence[str], rng: np.random.Generator | None) -> str:
    """The canonical form, or one at random."""
    return forms[0] if rng is None else forms[int(rng.integers(len(forms)))]
