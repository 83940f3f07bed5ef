"""The example of every verb's help works offline, in the order in which a newcomer would type them."""

import json
import shlex
from pathlib import Path

import pytest
import typer.main

from vesalius.cli import main as cli

# `demo` runs the whole tour for minutes and has its own command: `make demo`.
STORY = [
    "doctor",
    "info",
    "phantom",
    "inspect",
    "deid",
    "ask",
    "data convert",
    "data lint",
    "data split",
    "data compose",
    "data show",
    "explain",
    "train",
    "evaluate",
    "embed",
    "index",
    "search",
    "reproduce",
]


def example(verb: str) -> list[str]:
    command = typer.main.get_command(cli.app)
    for word in verb.split():
        command = command.commands[word]
    return shlex.split(command.epilog.removeprefix("Example: vesalius "))


def test_every_verb_is_in_the_story() -> None:
    group = typer.main.get_command(cli.app)
    verbs = {name: getattr(command, "commands", None) for name, command in group.commands.items()}
    words = {f"{name} {verb}" for name, below in verbs.items() if below for verb in below}
    words |= {name for name, below in verbs.items() if not below}
    assert words - {"demo"} == set(STORY)


def test_the_examples_run_one_after_the_other_without_any_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VESALIUS_DATA", raising=False)
    for verb in STORY:
        code = cli.run([*example(verb), "--json"])
        out, err = capsys.readouterr()
        assert code == 0, f"{verb}: {out} {err[-2000:]}"
        assert json.loads(out), verb
