"""The README's first commands are typed by every newcomer: they run, in order, in an empty folder, without any data."""

import re
import shlex
from pathlib import Path

import pytest

from vesalius.cli import main as cli

README = Path(__file__).resolve().parents[2] / "README.md"
BLOCK = re.compile(r"^## Try it$.*?^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
ENTER = ". .venv/bin/activate"  # puts `vesalius` on the path of a shell; here it is called without one
FEWEST = 4


def tried(page: str) -> list[list[str]]:
    """The commands of the first block under "Try it", split as a shell does, without `$ `, comments and the way in."""
    block = BLOCK.search(page)
    assert block is not None, "there is no block under the heading `## Try it`"
    assert "\n## " not in block[0], "the block belongs to another heading"
    lines = [shlex.split(line.strip().removeprefix("$ "), comments=True) for line in block[1].splitlines()]
    return [words for words in lines if words and words != shlex.split(ENTER)]


def test_commands_are_read_as_a_shell_reads_them() -> None:
    page = "## Try it\n\nText.\n\n```console\n$ . .venv/bin/activate   # in\n# a remark\n\n$ vesalius ask a 'b c' # d\n```\n"
    assert tried(page) == [["vesalius", "ask", "a", "b c"]]
    with pytest.raises(AssertionError, match="another heading"):
        tried("## Try it\n\n## Else\n\n```console\n$ vesalius info\n```\n")


def test_the_commands_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VESALIUS_DATA", raising=False)
    commands = tried(README.read_text(encoding="utf-8"))
    assert len(commands) >= FEWEST
    for words in commands:
        assert words[0] == "vesalius", f"only `vesalius` is tried here: {shlex.join(words)}"
        code = cli.run(words[1:])
        out, err = capsys.readouterr()
        assert code == 0, f"{shlex.join(words)}: {err[-2000:]}"
        assert out, f"{shlex.join(words)} printed nothing"
