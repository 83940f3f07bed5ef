from pathlib import Path

import pytest

from vesalius import recipe
from vesalius.errors import UsageError
from vesalius.workflows.train import SUPPLIED

GOOD = """
says: a test
data: {use: datasets.phantoms.cohorts.cohort, patients: 4}
model: {use: models.vlm.NativeVLM, width: 64}
objective: {use: objectives.next_token.NextToken}
train: {steps: 3}
"""


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return str(path)


def problems(tmp_path: Path, text: str, *overrides: str) -> dict[str, str]:
    with pytest.raises(UsageError) as refused:
        recipe.read(written(tmp_path, text), overrides, SUPPLIED)
    assert refused.value.code == "bad_recipe"
    return {problem.key: problem.message for problem in refused.value.problems}


def test_every_recipe_of_the_package_is_read() -> None:
    found = recipe.names()
    assert len(found) == len(list(recipe.folder().rglob("*.yaml"))) > 0
    for name, path in found.items():
        resolved = recipe.read(name, (), SUPPLIED)
        assert resolved.name == path.stem
        assert len(path.read_text().splitlines()) <= 40


def test_defaults_are_filled_in_and_change_the_hash(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    plain, changed = recipe.read(path, (), SUPPLIED), recipe.read(path, ["train.seed=1"], SUPPLIED)
    assert plain.resolved()["train"]["batch"] == 16
    assert plain.resolved()["model"]["width"] == 64
    assert plain.sha256() != changed.sha256()
    assert plain.sha256() == recipe.read(path, ["train.seed=0"], SUPPLIED).sha256()


def test_all_problems_are_named_at_once_with_the_nearest_spelling(tmp_path: Path) -> None:
    text = GOOD.replace("width: 64", "widht: 64").replace("steps: 3", "steps: many").replace("patients: 4", "size_px: 64")
    found = problems(tmp_path, text + "modle: {}\n")
    assert "did you mean width" in found["model.widht"]
    assert "did you mean model" in found["modle"]
    assert "is missing" in found["data.patients"]
    assert "is not int" in found["train.steps"]


@pytest.mark.parametrize(
    "use", ["os.path.join", "models.vlm.torch", "models.vlm.nn.Module", "../evil", "models.nothing.X", "nowhere.x.Y", 7]
)
def test_use_names_only_things_that_this_package_defines(tmp_path: Path, use: object) -> None:
    found = problems(tmp_path, GOOD.replace("models.vlm.NativeVLM", str(use)))
    assert "model.use" in found


def test_what_the_workflow_supplies_is_no_key(tmp_path: Path) -> None:
    assert "model.vocabulary" in problems(tmp_path, GOOD, "model.vocabulary=9")


@pytest.mark.parametrize(
    "override", ["steps=3", "train.steps", "optimizer.x=1", "train.steps=[", "train.learning_rate={look: fast}"]
)
def test_a_bad_override_is_a_problem(tmp_path: Path, override: str) -> None:
    assert problems(tmp_path, GOOD, override)


def test_an_unknown_name_is_refused_with_what_is_near() -> None:
    with pytest.raises(UsageError, match="first_phantom") as refused:
        recipe.read("first_fantom", (), SUPPLIED)
    assert refused.value.code == "unknown_name"


@pytest.mark.parametrize("text", ["[1, 2]", "a: [", "", "!!python/object/apply:os.system ['true']"])
def test_what_is_no_recipe_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError) as refused:
        recipe.read(written(tmp_path, text), (), SUPPLIED)
    assert refused.value.code == "bad_recipe"


def test_explain_says_where_each_key_lands_and_what_it_means(tmp_path: Path) -> None:
    resolved = recipe.read(written(tmp_path, GOOD), (), SUPPLIED)
    keys = {key.key: key for key in recipe.explain(resolved, SUPPLIED)}
    width = keys["model.width"]
    file, _, line = width.place.partition(":")
    source = (Path(recipe.__file__).parent / file).read_text().splitlines()[int(line) - 1]
    assert "width" in source
    assert width.value == 64
    assert width.default == 192
    assert all(key.meaning for key in keys.values()), [key.key for key in keys.values() if not key.meaning]
