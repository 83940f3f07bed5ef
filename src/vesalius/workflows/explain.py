"""explain: every key of a recipe: its value, its default, where it lands and what it means."""

from dataclasses import asdict

from vesalius import recipe as recipes
from vesalius.workflows.outcome import Outcome
from vesalius.workflows.train import SUPPLIED


def explain(recipe: str) -> Outcome:
    """Explain a recipe without running it.

    Args:
        recipe: a name or a file.

    Raises:
        UsageError: `unknown_name`, `bad_recipe`.
    """
    resolved = recipes.read(recipe, (), SUPPLIED)
    keys = recipes.explain(resolved, SUPPLIED)
    lines = [f"{resolved.name}: {resolved.says}"]
    for section, part in resolved.parts().items():
        lines += ["", f"{section}: {part.use or '.'.join(part.targets[0].__module__.split('.')[1:])}"]
        for key in keys:
            if key.key.startswith(f"{section}."):
                changed = "" if key.value == key.default else f"  (default {key.default})" if key.default is not None else ""
                lines.append(f"  {key.key.partition('.')[2]} = {key.value}{changed}   {key.place}")
                lines += [f"      {key.meaning}"] if key.meaning else []
    data = {"recipe": resolved.resolved(), "sha256": resolved.sha256(), "keys": [asdict(key) for key in keys]}
    return Outcome(data, "\n".join(lines))
