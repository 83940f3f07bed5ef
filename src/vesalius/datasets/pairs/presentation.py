"""How the pictures and texts of pairs are shown to an encoder in training."""

from dataclasses import dataclass, replace

from vesalius.errors import Problem, UsageError
from vesalius.transforms.augment import Jitter


@dataclass(frozen=True)
class Presentation:
    """How pairs are shown.

    Args:
        longest_px: the longer side of a picture, of a slice or of a frame as it is shown.
        square: fill up to a square; else each picture keeps its proportions, its sides rounded up to whole patches.
        slices: of a volume or a clip at most, evenly spaced.
        drawn: texts of the first source that are drawn for a picture in each step.
        bag: texts of every further source, at most: one of each key, keys drawn at random.
        words: tokens of a text at most.
        cut: cut what is longer, instead of refusing it; concept spans beyond the cut are dropped.
        per_class: pictures of a class in a batch, classes drawn at random; 0 shuffles all pictures instead.
        shuffle_pairs: put the texts of another patient beside every picture to learn from, see `batches.exchanged`: a control
            in which pictures and texts are the same and nothing says what belongs together. Classes stay with the pictures.
        views: show every picture a second time, moved otherwise.
        stretch: each axis is scaled by up to this share, see `transforms.augment.Jitter`.
        shift: of the side, per axis, at most.
        gamma: exponent of the values, up to e^±gamma.
        gain: contrast and brightness, up to this share.
        noise: standard deviation of white noise at most.
        mirror: also in a mirror and turned by 90 degrees; only for pictures that mean the same then.

    Raises:
        UsageError: `bad_recipe`, with every impossible value.
    """

    longest_px: int = 64
    square: bool = False
    slices: int = 16
    drawn: int = 1
    bag: int = 4
    words: int = 77
    cut: bool = False
    per_class: int = 0
    shuffle_pairs: bool = False
    views: bool = False
    stretch: float = 0.0
    shift: float = 0.0
    gamma: float = 0.0
    gain: float = 0.0
    noise: float = 0.0
    mirror: bool = False

    def __post_init__(self) -> None:
        least = {"longest_px": 8, "slices": 1, "drawn": 0, "bag": 0, "words": 4, "per_class": 0}
        problems = [
            Problem(f"data.{name}", f"must be at least {low}") for name, low in least.items() if getattr(self, name) < low
        ]
        if problems:
            listed = "; ".join(f"{p.key} {p.message}" for p in problems)
            raise UsageError("bad_recipe", f"The pairs cannot be shown so: {listed}. Nothing was started.", problems)

    def jitter(self) -> Jitter:
        """How far pictures are moved."""
        return Jitter(self.stretch, self.shift, self.gamma, self.gain, self.noise)

    def moves(self) -> bool:
        """Whether pictures are moved at all."""
        return self.jitter() != Jitter() or self.mirror

    def still(self) -> "Presentation":
        """The same, but pictures are shown as they are."""
        return replace(self, stretch=0.0, shift=0.0, gamma=0.0, gain=0.0, noise=0.0, mirror=False)
