"""Rows of an Excel file."""

import zipfile
from pathlib import Path

import pytest

from vesalius.datasets.collections import sheet
from vesalius.errors import InputRefused

SPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def write(path: Path, rows: str, shared: str | None = None, *, before: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(sheet.SHEET, f"{before}<worksheet {SPACE}><sheetData>{rows}</sheetData></worksheet>")
        if shared is not None:
            archive.writestr(sheet.TEXTS, f"<sst {SPACE}>{shared}</sst>")
    return path


def inline(text: str, place: str = "") -> str:
    return f'<c t="inlineStr" r="{place}"><is><t>{text}</t></is></c>'


def test_texts_in_the_cell_shared_texts_and_numbers_are_read(tmp_path):
    shared = "<si><t>name</t></si><si><r><t>a</t></r><r><t>b</t></r><rPh><t>spoken</t></rPh></si>"
    head = f'<row r="1"><c r="A1" t="s"><v>0</v></c>{inline("age", "B1")}</row>'
    rows = head + '<row r="2"><c r="A2" t="s"><v>1</v></c><c r="B2"><v>41</v></c></row>'
    assert list(sheet.rows(write(tmp_path / "x.xlsx", rows, shared))) == [("row 2", {"name": "ab", "age": "41"})]


def test_cells_stand_where_they_say_and_what_is_missing_is_empty(tmp_path):
    head = f"<row>{inline('a', 'A1')}{inline('b', 'B1')}{inline('c', 'AA1')}</row>"
    rows = f'{head}<row r="7">{inline("z", "AA7")}</row><row r="8"/>'
    assert list(sheet.rows(write(tmp_path / "x.xlsx", rows))) == [("row 7", {"a": "", "b": "", "c": "z"})]


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="1"><c r="A1" t="s"><v>5</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>x</v></c></row>',
        f"<row>{inline('a', 'ZZZ1')}</row>",
        "<row>",
    ],
    ids=["a text that is not there", "no number", "a column far away", "cut off"],
)
def test_what_no_program_writes_is_refused(tmp_path, rows):
    with pytest.raises(InputRefused) as refused:
        list(sheet.rows(write(tmp_path / "x.xlsx", rows, "<si><t>name</t></si>")))
    assert refused.value.code == "bad_dataset"


def test_declarations_and_too_much_are_refused(tmp_path, monkeypatch):
    entity = '<!DOCTYPE x [<!ENTITY a "aaaa">]>'
    with pytest.raises(InputRefused):
        list(sheet.rows(write(tmp_path / "x.xlsx", f"<row>{inline('&a;')}</row>", before=entity)))
    large = write(tmp_path / "y.xlsx", f"<row>{inline('a' * 5000)}</row>")
    assert list(sheet.rows(large)) == []
    monkeypatch.setattr(sheet, "MOST_BYTES", 4000)
    with pytest.raises(InputRefused):
        list(sheet.rows(large))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"text"])
def test_a_file_that_is_none_is_refused(tmp_path, content):
    (tmp_path / "x.xlsx").write_bytes(content)
    with pytest.raises(InputRefused):
        list(sheet.rows(tmp_path / "x.xlsx"))
