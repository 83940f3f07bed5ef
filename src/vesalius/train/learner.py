"""Model and objective as one module: what is trained, averaged, cut over processes and kept together."""

from collections.abc import Callable
from typing import Any, Literal

from torch import Tensor, nn


class Learner(nn.Module):
    """A model beside the objective that it is trained for.

    Its `forward` is the one door to both, because processes that hold a part of the weights each put them together there.

    Args:
        model: any.
        objective: (model, batch) to named losses; where it is an `nn.Module`, its parameters and buffers belong to the learner.
    """

    def __init__(self, model: nn.Module, objective: Callable[..., dict[str, Tensor]]) -> None:
        super().__init__()
        self.model = model
        self.objective = objective

    def forward(self, wanted: Literal["losses_of", "features", "losses"], *given: Any) -> dict[str, Tensor]:
        """Ask the objective.

        Args:
            wanted: "losses_of" a batch looked at whole; "features" of a part of one; "losses" of the features of all parts.
            given: the batch; the part; the features and the links of the whole batch.
        """
        asked: Any = self.objective if wanted == "losses_of" else getattr(self.objective, wanted)
        answer: dict[str, Tensor] = asked(self.model, *given)
        return answer

    @property
    def rules(self) -> nn.Module | None:
        """The objective where it has a state of its own."""
        return self.objective if isinstance(self.objective, nn.Module) else None
