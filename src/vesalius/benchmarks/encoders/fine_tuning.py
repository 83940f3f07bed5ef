"""Fine-tuning of an encoder on few labels: how much of what it needs to know it knows already."""

from dataclasses import dataclass

from vesalius.errors import Problem, UsageError


@dataclass(frozen=True)
class FineTuning:
    """How an encoder is trained on, with a linear head over the findings, before it is tested.

    Args:
        fine_tune_share: of the patients to learn from, whose labels may be used; 0 leaves fine-tuning out.
        fine_tune_steps: optimizer steps, the same whatever the share.
        fine_tune_batch: pictures per step.
        fine_tune_rate: learning rate of the encoder and of the head.
        from_scratch: begin with weights drawn at random, as if nothing had been learnt.

    Raises:
        UsageError: `bad_recipe`, with every impossible value.
    """

    fine_tune_share: float = 0.0
    fine_tune_steps: int = 150
    fine_tune_batch: int = 32
    fine_tune_rate: float = 5e-4
    from_scratch: bool = False

    def __post_init__(self) -> None:
        problems = []
        if not 0 <= self.fine_tune_share <= 1:
            problems.append(Problem("evaluate.fine_tune_share", "must lie in [0, 1]"))
        if self.fine_tune_steps < 1 or self.fine_tune_batch < 1 or not self.fine_tune_rate > 0:
            problems.append(Problem("evaluate.fine_tune_steps", "steps, batch and rate must be above 0"))
        if problems:
            listed = "; ".join(f"{p.key} {p.message}" for p in problems)
            raise UsageError("bad_recipe", f"The encoder cannot be fine-tuned so: {listed}. Nothing was started.", problems)
