"""Every version is pinned, every licence allows what we do, and no pin names a build or a place."""

import importlib.metadata
import importlib.util
import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PINS = dict(
    line.split("==") for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if not line.startswith("#")
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
COPYLEFT = re.compile(r"\b[AL]?GPL|GNU (?:Affero|General|Lesser|Library)", re.IGNORECASE)
# A CUDA build of torch brings these, and pins them itself; the pinned CPU build has none of them.
OF_TORCH = ("nvidia", "cuda", "triton")


def roots() -> list[str]:
    listed = [*PROJECT["dependencies"], *(each for extra in PROJECT["optional-dependencies"].values() for each in extra)]
    return [each for each in listed if not each.startswith("vesalius")]


def closure() -> set[str]:
    """Every package that is installed because of ours, on this machine."""
    found: set[str] = set()
    waiting = [(Requirement(root), ("",)) for root in roots()]
    while waiting:
        wanted, extras = waiting.pop()
        name = canonicalize_name(wanted.name)
        if wanted.marker and not any(wanted.marker.evaluate({"extra": extra}) for extra in extras):
            continue
        if name in found or name.startswith(OF_TORCH):
            continue
        found.add(name)
        needs = importlib.metadata.requires(name) or []
        waiting += [(Requirement(need), ("", *wanted.extras)) for need in needs]
    return found


def licence(name: str) -> str:
    """What a package says of its licence: expression and classifiers, or else the first line of the free text or of the file."""
    about = importlib.metadata.metadata(name)
    classified = [value for value in about.get_all("Classifier") or [] if value.startswith("License ::")]
    said = [about.get("License-Expression") or "", *classified]
    stated = " ".join(said).strip() or (about.get("License") or "").strip().partition("\n")[0]
    return stated or _first_line(name, about.get("License-File") or "")


def _first_line(name: str, file: str) -> str:
    """Of the licence file that the metadata name; "" when there is none."""
    found = [place for place in importlib.metadata.files(name) or [] if file and place.match(f"*.dist-info/**/{file}")]
    return found[0].read_text().strip().partition("\n")[0] if found else ""


def test_every_package_that_ours_brings_is_pinned_and_nothing_else_is() -> None:
    assert len(PINS) > 40
    here = closure()
    assert here - set(PINS) == set()
    # What another Python or system needs besides may be pinned too, but is not installed here.
    surplus = {name for name in set(PINS) - here if importlib.util.find_spec(name.replace("-", "_"))}
    assert surplus == set()


def test_pins_are_exact_versions_without_a_build_label() -> None:
    assert PINS["torch"] == "2.13.0"
    for name, pinned in PINS.items():
        assert name == canonicalize_name(name)
        assert re.fullmatch(r"\d+(\.\d+)*(\.post\d+)?", pinned), name


def test_no_package_has_a_licence_that_binds_ours() -> None:
    said = {name: licence(name) for name in closure()}
    assert all(said.values()), {name for name, text in said.items() if not text}
    assert {name: text for name, text in said.items() if COPYLEFT.search(text)} == {}


def test_every_direct_dependency_is_explained() -> None:
    page = (ROOT / "docs/decisions/0002-dependencies.md").read_text(encoding="utf-8")
    for root in roots():
        assert f"`{Requirement(root).name}`" in page, root
