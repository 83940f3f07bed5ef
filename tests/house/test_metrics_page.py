"""The page of metrics says of each with what it was compared, or why with nothing."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")


def test_every_metric_stands_on_the_page() -> None:
    files = {path.stem for path in (ROOT / "src/vesalius/metrics").glob("*.py")} - {"__init__"}
    assert len(files) > 50
    assert sorted(name for name in files if not re.search(rf"\b{name}\b", PAGE)) == []


def test_every_row_says_with_what_it_was_compared_and_how_far_it_was_off() -> None:
    tables = PAGE.split("## Truth that no one here wrote")[0]
    rows = [line.strip("| ").split(" | ") for line in tables.splitlines() if line.startswith("| ") and "---" not in line]
    heads = [row for row in rows if row[0] == "name"]
    assert len(heads) == 2
    assert len(rows) > 40
    assert [row[0] for row in rows if not all(cell.strip() for cell in row) or len(row) not in map(len, heads)] == []
    assert [row[0] for row in rows if "nothing" in row[-2] and not row[-2].startswith("nothing: ")] == []
