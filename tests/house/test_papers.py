"""One slug in five places: every recipe that names a paper is tied to its file, its class, its test and its heading."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
HEADER = ("Paper:", "Symbols:", "Differs:", "Checked:")


def recipes(root: Path) -> dict[Path, dict[str, Any]]:
    """Every recipe that names a paper."""
    read = {place: yaml.safe_load(place.read_text(encoding="utf-8")) for place in sorted(root.glob("recipes/*/*.yaml"))}
    return {place: document for place, document in read.items() if document.get("paper")}


def faults(root: Path, recipe: Path, document: dict[str, Any]) -> Iterator[str]:
    """What is missing of the five: the recipe of the slug's name, the file with its header, the class, the test, the heading."""
    slug = document["paper"]
    if not any(place.stem == slug for place in recipes(root)):
        yield f"no recipe is named {slug}"
    page = root / "docs/papers.md"
    if not page.is_file() or not re.search(rf"^## {re.escape(slug)}$", page.read_text(encoding="utf-8"), re.MULTILINE):
        yield f"docs/papers.md has no heading ## {slug}"
    files = sorted((root / "src/vesalius").rglob(f"{slug}.py"))
    if len(files) != 1:
        yield f"{len(files)} files of the package are named {slug}.py"
        return
    place = files[0].relative_to(root / "src/vesalius")
    tree = ast.parse(files[0].read_text(encoding="utf-8"))
    header = (ast.get_docstring(tree) or "").splitlines()
    missing = [line for line in HEADER if not any(found.startswith(line) for found in header)]
    if missing:
        yield f"the header of {place} has no {', '.join(missing)}"
    # The class bears the paper's name, which may write it in any case: ConVIRT is convirt.
    names = [node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    own = [name for name in names if name.lower() == slug.replace("_", "")]
    if not own:
        yield f"{place} defines no class of the name"
    uses = {str(section.get("use")) for section in document.values() if isinstance(section, dict)}
    path = ".".join(place.with_suffix("").parts)
    if recipe.stem == slug and not any(f"{path}.{name}" in uses for name in own):
        yield f"no section of the recipe uses the class of {place}"
    if not (root / "tests" / place.parent / f"test_{slug}.py").is_file():
        yield f"tests/{place.parent.as_posix()}/test_{slug}.py is missing"


def test_every_recipe_that_names_a_paper_is_tied_to_it_in_five_places() -> None:
    found = {place.stem: list(faults(ROOT, place, document)) for place, document in recipes(ROOT).items()}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_every_paper_that_the_page_names_has_a_recipe() -> None:
    page = ROOT / "docs/papers.md"
    if not page.is_file() or not recipes(ROOT):
        pytest.skip("no recipe names a paper yet")
    headings = set(re.findall(r"^## ([a-z0-9_]+)$", page.read_text(encoding="utf-8"), re.MULTILINE))
    assert headings == {document["paper"] for document in recipes(ROOT).values()}


@pytest.fixture
def tied(tmp_path: Path) -> Path:
    """A tree in which one paper is tied in all five places."""
    header = "\n".join(f"{line} something" for line in HEADER)
    for name, text in {
        "recipes/represent/my_paper.yaml": "says: a test\npaper: my_paper\nobjective: {use: objectives.my_paper.MyPaper}\n",
        "src/vesalius/objectives/my_paper.py": f'"""MyPaper: a test.\n\n{header}\n"""\n\n\nclass MyPaper:\n    pass\n',
        "tests/objectives/test_my_paper.py": "",
        "docs/papers.md": "# Papers\n\n## my_paper\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def of(root: Path) -> list[str]:
    return [wrong for place, document in recipes(root).items() for wrong in faults(root, place, document)]


def test_a_paper_that_is_tied_in_all_five_places_is_whole(tied: Path) -> None:
    assert recipes(tied)
    assert of(tied) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "wrong"),
    [
        ("docs/papers.md", "## my_paper", "## mypaper", "no heading"),
        ("src/vesalius/objectives/my_paper.py", "Differs:", "Same:", "has no Differs:"),
        ("src/vesalius/objectives/my_paper.py", "class MyPaper", "class Loss", "defines no class"),
        ("recipes/represent/my_paper.yaml", "objectives.my_paper.MyPaper", "objectives.other.Other", "no section"),
    ],
)
def test_a_place_that_says_otherwise_is_seen(tied: Path, name: str, old: str, new: str, wrong: str) -> None:
    place = tied / name
    place.write_text(place.read_text().replace(old, new))
    assert wrong in " ".join(of(tied))


@pytest.mark.parametrize("name", ["src/vesalius/objectives/my_paper.py", "tests/objectives/test_my_paper.py", "docs/papers.md"])
def test_a_place_that_is_missing_is_seen(tied: Path, name: str) -> None:
    (tied / name).unlink()
    assert len(of(tied)) == 1


def test_a_further_recipe_may_rest_on_a_paper_that_has_one_of_its_own(tied: Path) -> None:
    further = tied / "recipes/represent/on_real_data.yaml"
    further.write_text("says: a test\npaper: my_paper\nobjective: {use: objectives.other.Other}\n")
    assert of(tied) == []
    (tied / "recipes/represent/my_paper.yaml").unlink()
    assert of(tied) == ["no recipe is named my_paper"]
