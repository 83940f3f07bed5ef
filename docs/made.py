"""Writes the pages and passages that are made from the code, and says which of them are stale.

    python -m docs.made write            write them all (`make docs`)
    python -m docs.made check            exit 1 and name those that are stale
    python -m docs.made measure COMMAND  run a command, keep what it printed with date, commit and machine, then write
    python -m docs.made measure PAGE     the same with every command of a page that is long, one after the other

A passage stands between `<!-- made by: COMMAND -->` and `<!-- end -->`. Where docs/measured/ keeps what the command printed
(a training, the demo), the passage is that text, and only `measure` changes it. The verbs of LONG and the scripts of this
folder are never run for a page: as long as nothing is kept of one, its passage stays as it stands and the page counts as
stale. Any other command is run again each time, so it must be quick and print the same everywhere. What a script prints is
Markdown and stands on the page as such.
"""

import ast
import datetime
import functools
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.clinical.bad_inputs.case import Case
from tests.clinical.bad_inputs.corpus import GROUPS, cases

from vesalius.errors import FAULTS, REFUSALS, WARNINGS
from vesalius.workflows.reproducing import ledger

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/*.md")
LONG = ("demo", "train", "evaluate", "ask", "reproduce")  # verbs that take minutes, or print what depends on the machine
CHOICES = ROOT / "tests/clinical/bad_inputs/choices.md"
CODE = ("src", "recipes", "pyproject.toml", "constraints.txt")  # what decides what a command prints; pages do not
PASSAGE = re.compile(r"(<!-- made by: (?P<command>.+?) -->\n)(?P<body>.*?)(<!-- end -->)", re.DOTALL)


def made() -> dict[Path, str]:
    """Every page that is made or holds a made passage, with the text that it should have."""
    texts = {ROOT / "docs/codes.md": codes(), ROOT / "docs/ledger.md": ledger.page(ROOT / "ledger")}
    for pattern in PAGES:
        for page in sorted(ROOT.glob(pattern)):
            text = texts.get(page) or page.read_text(encoding="utf-8")
            if PASSAGE.search(text):
                texts[page] = PASSAGE.sub(filled, text)
    return texts


def stale() -> list[str]:
    """The pages that differ from what they should be, by their names in the repository, or that wait to be measured."""
    found = []
    for page, text in made().items():
        name = page.relative_to(ROOT).as_posix()
        if waiting := unmeasured(text):
            found.append(f"{name} ({not_measured(waiting)})")
        elif not page.is_file() or page.read_text(encoding="utf-8") != text:
            found.append(name)
    return found


def filled(found: re.Match[str]) -> str:
    """A passage with its marks; one that waits to be measured stays as it stands."""
    return found[0] if waits(found["command"]) else found[1] + passage(found["command"]) + found[4]


def passage(command: str) -> str:
    """What stands between the two marks: the tree, what was measured, or what the command prints now.

    Raises:
        SystemExit: the command is long and has not been measured yet; it is not run.
    """
    if waits(command):
        raise SystemExit(not_measured([command]))
    if command == "make docs":
        return fenced(tree(), "text")
    kept = measured_file(command)
    if is_script(command):
        return kept.read_text(encoding="utf-8")
    if kept.is_file():
        return fenced(kept.read_text(encoding="utf-8"), "console")
    return fenced(f"$ {command}\n{printed(command)}", "console")


def waits(command: str) -> bool:
    """Whether a command is long and nothing that it printed is kept."""
    return is_long(command) and not measured_file(command).is_file()


def is_long(command: str) -> bool:
    """Whether a command is run by `measure` alone."""
    words = shlex.split(command)
    return is_script(command) or (words[:1] == ["vesalius"] and any(verb in LONG for verb in words[1:2]))


def is_script(command: str) -> bool:
    """Whether a command is a script of this folder that prints Markdown."""
    return re.fullmatch(r"python docs/\w+\.py", command) is not None


def unmeasured(text: str) -> list[str]:
    """The commands of a page's passages that wait to be measured."""
    return [found["command"] for found in PASSAGE.finditer(text) if waits(found["command"])]


def long_commands(page: str) -> list[str]:
    """The commands of a page that `measure` runs, in their order, each once.

    Raises:
        SystemExit: there is no such page.
    """
    place = ROOT / page
    if not place.is_file():
        raise SystemExit(f"There is no page {page}. Name one by its place in the repository, as docs/evaluation.md.")
    found = [match["command"] for match in PASSAGE.finditer(place.read_text(encoding="utf-8"))]
    return [command for command in dict.fromkeys(found) if is_long(command)]


def not_measured(commands: list[str]) -> str:
    """The reason why a page is not whole: each command, and the file in which what it prints would be kept."""
    named = (f"{command} (kept as {measured_file(command).relative_to(ROOT).as_posix()})" for command in commands)
    return f"not measured yet: {'; '.join(named)}"


def fenced(text: str, language: str) -> str:
    """A code block of Markdown."""
    return f"```{language}\n{text.rstrip()}\n```\n"


def measured_file(command: str) -> Path:
    """Where the output of a long command is kept."""
    return ROOT / "docs/measured" / (re.sub(r"[^a-z0-9]+", "_", command.lower()).strip("_") + ".txt")


def printed(command: str, *, with_data: bool = False) -> str:
    """What a `vesalius` command, or a script of this folder, prints on standard output, at 100 columns and without color.

    Published data is hidden from it unless asked for: a page must be made alike on every machine.
    """
    verb, *arguments = shlex.split(command)
    if verb != "vesalius" and not is_script(command):
        raise SystemExit(f"Only `vesalius` commands and scripts of docs/ can be run for a page, not: {command}")
    environment = {key: value for key, value in os.environ.items() if with_data or key != "VESALIUS_DATA"}
    environment |= {"COLUMNS": "100", "NO_COLOR": "1"}
    line = [sys.executable, *(arguments if is_script(command) else ["-m", "vesalius.cli", *arguments])]
    return subprocess.run(line, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout


def measure(command: str) -> None:
    """Run a command and keep what it printed, under a line that says when, from which commit and on what."""
    origin = commit()
    day = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    checks = json.loads(printed("vesalius doctor --json"))["checks"]
    device = ", ".join(check["detail"] for check in checks if check["name"] in ("processors", "GPU"))
    shown = printed(command, with_data=True)
    origins = f"{day}, commit {origin}; {device}"
    text = f"{shown}\nMeasured {origins}.\n" if is_script(command) else f"$ {command}\n{shown}# {origins}\n"
    measured_file(command).parent.mkdir(parents=True, exist_ok=True)
    measured_file(command).write_text(text, encoding="utf-8")


def commit() -> str:
    """The checkout's commit, with "-dirty" when code differs from it.

    As `git describe --always --dirty`, but blind to the pages: `measure` itself changes them, and the next one must not
    call that dirty.
    """
    name = git("describe", "--always")
    return f"{name}-dirty" if git("status", "--porcelain", "--", *CODE) else name


def git(*arguments: str) -> str:
    """What git prints about this checkout."""
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


@functools.cache
def codes() -> str:
    """docs/codes.md: every code of an error, a warning and a fault, when it is met, and what each bad input ends in."""
    every = cases()
    lines = [
        "# Codes",
        "",
        "Made by `make docs` from `src/vesalius/errors.py`. Codes are stable: scripts may match on them. Messages are not.",
        "",
        "## Refusals",
        "",
        "They end a command: usage with exit 2, a refused input with exit 3, something missing from the environment with",
        "exit 5, a bug of ours with exit 1. Inside a folder, `inspect` lists the files that it refused under the same codes.",
        "",
        *table(REFUSALS),
        "",
        "## Warnings",
        "",
        "They travel with a picture to the answer; the command goes on.",
        "",
        *table(WARNINGS),
        "",
        "## Faults of datasets",
        "",
        "`data convert` and `data show` list those that readers meet, with the place of each record; `data lint` finds all.",
        "An error makes a sample wrong or unusable, a warning makes it doubtful, a note is worth knowing. Errors end in exit 4.",
        "",
        "| code | severity | met when |",
        "|---|---|---|",
        *(f"| `{code}` | {severity} | {text} |" for code, (severity, text) in FAULTS.items()),
        "",
        "## What was chosen where several behaviors would do",
        "",
        *CHOICES.read_text(encoding="utf-8").splitlines(),
        "",
        "## Bad inputs",
        "",
        f"Each of these {len(every)} is made by code in `tests/clinical/bad_inputs/`, read, and held to its code. Beside each",
        "one that is refused a good file is read all the same. Numbers are those of the list that the readers are built against.",
        "",
        "| number | input | cases | codes |",
        "|---|---|---|---|",
        *(f"| {group} | {title} | {len(of)} | {_codes_of(of)} |" for group, title, of in _groups(every)),
    ]
    return "\n".join(lines) + "\n"


def _groups(every: Sequence[Case]) -> Iterator[tuple[int, str, list[Case]]]:
    """Number, title and cases of each group of bad inputs."""
    for group, title in GROUPS.items():
        yield group, title, [case for case in every if case.group == group]


def _codes_of(same: list[Case]) -> str:
    """The codes that cases end in; of those that must come out right none is met."""
    met = {case.code for case in same if case.behavior not in ("golden", "survived")}
    met |= {case.other_code for case in same if case.other_code}
    return ", ".join(f"`{code}`" for code in sorted(met)) or "read as it is"


def table(rows: dict[str, str]) -> list[str]:
    """A table of two columns."""
    return ["| code | met when |", "|---|---|", *(f"| `{code}` | {text} |" for code, text in rows.items())]


def tree() -> str:
    """The annotated tree: each file of the package with the first line of its docstring, then the recipes."""
    lines = ["src/vesalius/"]
    package = ROOT / "src/vesalius"
    rooms = sorted(folder for folder in package.iterdir() if (folder / "__init__.py").is_file())
    lines += [entry(place, 1) for place in sorted(package.glob("*.py")) if place.name != "__init__.py"]
    for room in rooms:
        lines += room_lines(room, 1)
    for card in sorted(package.glob("weights/*/card.json")):
        about = json.loads(card.read_text(encoding="utf-8"))["says"]
        lines.append(labeled(f"  weights/{card.parent.name}/", f"Weights that ship with the package. {about}"))
    for family in sorted(path for path in (ROOT / "recipes").iterdir() if path.is_dir()):
        lines.append(f"recipes/{family.name}/")
        lines += [entry(place, 1) for place in sorted(family.glob("*.yaml"))]
    return "\n".join(lines)


def room_lines(room: Path, depth: int) -> list[str]:
    """A folder, its files, and the folders in it."""
    lines = [labeled("  " * depth + f"{room.name}/", says(room / "__init__.py"))]
    lines += [entry(place, depth + 1) for place in sorted(room.glob("*.py")) if place.name != "__init__.py"]
    inner = sorted(folder for folder in room.iterdir() if (folder / "__init__.py").is_file())
    return [*lines, *(line for folder in inner for line in room_lines(folder, depth + 1))]


def entry(place: Path, depth: int) -> str:
    """One file of the tree."""
    return labeled("  " * depth + place.name, says(place))


def labeled(name: str, text: str) -> str:
    """A name and its line, in two columns."""
    return f"{name:<27} {text}".rstrip()


def says(place: Path) -> str:
    """The line that describes a file: of its docstring, or a recipe's `says`."""
    text = place.read_text(encoding="utf-8")
    if place.suffix == ".yaml":
        return next((line.partition(":")[2].strip().strip("'\"") for line in text.splitlines() if line.startswith("says:")), "")
    return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]


def write() -> list[str]:
    """Write every page that is stale, and return the commands that it could not show because they were never measured."""
    waiting = []
    for page, text in made().items():
        page.parent.mkdir(parents=True, exist_ok=True)
        if not page.is_file() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")
        waiting += unmeasured(text)
    return waiting


def main(arguments: list[str]) -> int:
    """Do what the first argument says."""
    match arguments:
        case ["write"]:
            if waiting := write():
                raise SystemExit(not_measured(waiting))
        case ["check"]:
            if names := stale():
                print(f"stale, run `make docs`: {', '.join(names)}")
                return 1
        case ["measure", given]:
            for command in long_commands(given) if given.endswith(".md") else [given]:
                measure(command)
            if waiting := write():  # it is kept and shown; that others wait is no failure of this one
                print(not_measured(waiting))
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
