"""The page of traps names tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")


def test_every_test_that_the_page_of_traps_names_exists() -> None:
    page = (ROOT / "docs" / "traps.md").read_text(encoding="utf-8")
    named = NAMED.findall(page)
    assert len(named) > 20
    missing = [f"{file}::{name}" for file, name in named if f"def {name}(" not in (ROOT / "tests" / file).read_text("utf-8")]
    assert not missing


def test_every_trap_has_a_test_or_a_reason() -> None:
    page = (ROOT / "docs" / "traps.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith(("| trap", "|---"))]
    assert len(rows) == 19 + 8
    assert all("::" in row or "no test: " in row for row in rows)


def test_the_faults_of_models_that_write_are_each_on_the_page() -> None:
    page = (ROOT / "docs" / "traps.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| ([EB]\d+): ", page, re.MULTILINE) == ["E2", "E3", "E6", "E7", "E8", "E10", "E14", "B2"]
