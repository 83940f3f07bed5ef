"""What can be wrong in the chest of a phantom: the one catalogue of its CT and its radiographs."""

from vesalius.phantom.findings import FindingKind

ZONES = ("upper", "middle", "lower")
SIDES = ("right", "left")

FINDINGS = (
    FindingKind(
        "effusion",
        "J90",
        size_mm=(10.0, 120.0),
        size_is="height of the fluid from the costophrenic angle to its rim",
        attributes={"side": SIDES},
        severities={"small": (10.0, 35.0), "moderate": (35.0, 75.0), "large": (75.0, 180.0)},
        looks_like=("consolidation",),
    ),
    FindingKind(
        "nodule",
        "R91",
        size_mm=(8.0, 35.0),
        size_is="greatest diameter across the beam of the frontal view, spikes included",
        attributes={
            "side": SIDES,
            "zone": ZONES,
            "shape": ("round", "oval", "lobulated"),
            "margin": ("smooth", "spiculated"),
            "density": ("solid", "calcified"),
        },
        most=3,
        looks_like=("nipple", "vessel on end", "granuloma"),
    ),
    FindingKind(
        "consolidation",
        "J18.9",
        size_mm=(45.0, 105.0),
        size_is="height from its top to its bottom",
        attributes={"side": SIDES, "zone": ZONES},
        looks_like=("effusion", "breast"),
    ),
    FindingKind(
        "pneumothorax",
        "J93.9",
        size_mm=(14.0, 60.0),
        size_is="distance from the top of the pleural cavity to the top of the lung",
        attributes={"side": SIDES},
        severities={"small": (14.0, 30.0), "large": (30.0, 90.0)},
        looks_like=("skin fold",),
    ),
    FindingKind(
        "cardiomegaly",
        "I51.7",
        grades=("mild", "moderate", "severe"),
        looks_like=("a chest turned or breathed out",),
        changes="anywhere",
    ),
)
