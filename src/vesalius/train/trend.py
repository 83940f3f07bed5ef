"""Whether the loss still moves: a warning when it does not, and another when it cannot."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

STALLED_AFTER = 2000  # steps without a new lowest mean loss before the log names it
AT_FLOOR = 0.02  # of how far the loss was above its floor in the beginning


class Trend:
    """The smoothed loss, which tells progress from noise.

    Args:
        lines: of the log so far: a resumed run warns as an unbroken one does.
    """

    def __init__(self, lines: Iterable[Mapping[str, Any]] = ()) -> None:
        self.smooth, self.best, self.best_step = math.nan, math.inf, 0
        self.above, self.above_first = math.nan, math.nan  # how far above the floor
        for line in lines:
            if "loss" in line:
                self.warning(line["step"], line)

    def warning(self, step: int, losses: Mapping[str, float]) -> str | None:
        """Take a step's losses; the code of a warning where the loss has not fallen for a long time.

        Args:
            step: of them.
            losses: "loss", and "floor" where the objective knows below which value this batch's loss cannot fall.

        Returns:
            `loss_at_floor`, `loss_stalled` or None.
        """
        loss, above = losses["loss"], losses["loss"] - losses.get("floor", math.nan)
        self.smooth = loss if math.isnan(self.smooth) else 0.98 * self.smooth + 0.02 * loss
        self.above = above if math.isnan(self.above) else 0.98 * self.above + 0.02 * above
        self.above_first = above if math.isnan(self.above_first) else self.above_first
        if self.smooth < self.best:
            self.best, self.best_step = self.smooth, step
        if step - self.best_step <= STALLED_AFTER:
            return None
        return "loss_at_floor" if self.above <= AT_FLOOR * self.above_first else "loss_stalled"
