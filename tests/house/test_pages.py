"""The pages say what is so: their commands parse, what is made from the code is fresh, the README's first screen is true."""

import re
import shlex
from pathlib import Path

import pytest
import typer.main

import made
from vesalius.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")])
BLOCK = re.compile(r"^```(?:console|sh|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)
TARGETS = set(re.findall(r"^([a-z.]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def commands(text: str) -> list[list[str]]:
    """The `vesalius …` and `make …` lines of a page's blocks, split as a shell does; `$ ` and comments are dropped."""
    lines = [line.strip().removeprefix("$ ") for block in BLOCK.findall(text) for line in block.splitlines()]
    split = [shlex.split(line, comments=True) for line in lines if line.startswith(("vesalius ", "make "))]
    return [words[: words.index("|")] if "|" in words else words for words in split]


def parse(words: list[str]) -> None:
    """Refuse what the command line would refuse, without running anything."""
    if words[0] == "make":
        assert [word for word in words[1:] if "=" not in word and word not in TARGETS] == []
        return
    command = typer.main.get_command(app)
    arguments = words[1:]
    while hasattr(command, "commands") and arguments and arguments[0] in command.commands:
        command, arguments = command.commands[arguments[0]], arguments[1:]
    if arguments in (["--help"], ["--version"]):
        return
    assert not hasattr(command, "commands"), f"no verb: {' '.join(words)}"
    command.make_context(words[1], arguments)


def leaves() -> dict[str, object]:
    """Every verb by its words."""
    group = typer.main.get_command(app)
    found = {}
    for name, command in group.commands.items():
        below = getattr(command, "commands", None)
        found |= {f"{name} {verb}": leaf for verb, leaf in below.items()} if below else {name: command}
    return found


def test_a_wrong_command_on_a_page_is_seen() -> None:
    page = "```console\n$ vesalius inspect scan --jsno\n$ make coffee\n$ vesalius dance\n```\n"
    wrong = commands(page)
    assert len(wrong) == 3
    for words in wrong:
        with pytest.raises((typer.TyperException, AssertionError)):
            parse(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_on_every_page_parses(page: Path) -> None:
    for words in commands(page.read_text(encoding="utf-8")):
        parse(words)


def test_the_readme_shows_the_two_commands_of_set_up_and_a_verb() -> None:
    shown = commands((ROOT / "README.md").read_text(encoding="utf-8"))
    assert ["make", "demo"] in shown
    assert any(words[0] == "vesalius" for words in shown)


@pytest.mark.parametrize("verb", sorted(leaves()))
def test_every_verb_has_an_example_that_parses(verb: str) -> None:
    example = str(getattr(leaves()[verb], "epilog", None))
    assert example.startswith(f"Example: vesalius {verb}")
    parse(shlex.split(example.removeprefix("Example: ")))


def test_what_is_made_from_the_code_is_fresh() -> None:
    assert made.stale() == [], "run `make docs`"


def test_the_tree_names_every_file_of_the_package_with_its_line() -> None:
    lines = made.tree().splitlines()
    places = [place for place in (ROOT / "src/vesalius").rglob("*.py") if place.name != "__init__.py"]
    assert len(places) > 10
    for place in places:
        assert any(line.split()[0] == place.name and len(line.split()) > 2 for line in lines), place.name
    assert made.tree() in (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def test_a_stale_page_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "ROOT", tmp_path)
    page = tmp_path / "README.md"
    page.write_text("<!-- made by: vesalius info -->\nold\n<!-- end -->\n", encoding="utf-8")
    monkeypatch.setattr(made, "printed", lambda command: "new\n")
    assert made.stale() == ["docs/codes.md", "README.md"]
    made.write()
    assert made.stale() == []
    assert "```console\n$ vesalius info\nnew\n```\n<!-- end -->" in page.read_text(encoding="utf-8")
