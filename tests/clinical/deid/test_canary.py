"""One name in every place where a name can stand: after a run it stands nowhere."""

import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clinical.deid import made

from vesalius.cli import main as cli
from vesalius.clinical.deid.seeds import views
from vesalius.errors import InputRefused

TRACES = (made.CANARY, made.NUMBER, made.BIRTH, "1947-09-13", "Zebra Clinic", *made.SCRIPTS.values())


def written_as(text: str) -> Iterator[bytes]:
    """A trace in every encoding that something of ours could have written it in, part by part."""
    for part in text.replace("=", "^").split("^"):
        if len(part) < 3:
            continue
        for codec in ("utf-8", "utf-16-le", "utf-16-be", "latin-1", "iso8859_5", "iso8859_7", "gb18030", "euc_kr", "shift_jis"):
            for form in (part, part.upper(), part.lower()):
                try:
                    yield form.encode(codec).lower()
                except UnicodeEncodeError:
                    continue


def traces_in(content: bytes) -> list[str]:
    found = [view.lower() for view in views(content)]
    return [text for text in TRACES if any(written in view for written in set(written_as(text)) for view in found)]


def test_the_search_finds_what_is_there() -> None:
    for content in (made.nifti(), made.gzipped(made.nifti()), made.png(), made.written(made.everywhere())):
        assert made.CANARY in traces_in(content)
    for name in made.SCRIPTS:
        assert made.SCRIPTS[name] in traces_in(made.written(made.foreign(name)))


@pytest.mark.parametrize(
    "options", [(), ("clean-descriptors", "clean-structured-content", "clean-graphics", "safe-private", "113107")]
)
def test_the_name_stands_in_no_output_word_or_temporary_file(
    options: tuple[str, ...], tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    count = made.fill(tmp_path / "in")
    out, scratch = tmp_path / "out", tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    arguments = [word for name in options for word in ("--option", name)]
    code = cli.run(["deid", str(tmp_path / "in"), "-o", str(out), *arguments, "--json"])
    said = capfd.readouterr()
    report = json.loads(said.out)
    assert code == 4
    assert report["files"] == count
    assert report["written"] + report["quarantined"] + report["copies_of_others"] + len(report["rejected"]) == count
    assert sorted(one["code"] for one in report["rejected"]) == ["not_cleanable", "unsupported_type", "unsupported_type"]
    assert report["left"].keys() <= {"burned_in_risk"}
    assert traces_in(said.out.encode()) == []
    assert traces_in(said.err.encode()) == []
    outputs = [place for place in out.rglob("*") if place.is_file()]
    assert len(outputs) > count - 4
    for place in outputs:
        assert traces_in(place.read_bytes()) == [], place.suffix
        assert traces_in(str(place.relative_to(out)).encode()) == []
    assert list(scratch.rglob("*")) == []


def test_a_refused_run_and_a_look_say_no_name_either(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    made.fill(tmp_path / "in")
    for words in (["--verify"], ["-o", str(tmp_path / "in")], ["-o", str(tmp_path / "new"), "--option", "none"], []):
        assert cli.run(["deid", str(tmp_path / "in"), *words]) in (2, 4)
        said = capfd.readouterr()
        assert traces_in((said.out + said.err).replace(str(tmp_path), "").encode()) == []


BROKEN = [
    made.written(made.everywhere()),
    made.written(made.everywhere(syntax=made.ImplicitVRLittleEndian)),
    made.written(made.report()),
    made.written(made.frames_of_jpeg()),
    made.png(),
    made.gzipped(made.nifti()),
]


@pytest.mark.parametrize("number", range(len(BROKEN)))
def test_a_file_broken_anywhere_is_refused_or_clean(number: int, tmp_path: Path) -> None:
    drawn, refused, copied = random.Random(number), 0, 0
    for _ in range(120):
        content = bytearray(BROKEN[number])
        at = drawn.randrange(min(len(content), 3000))
        content[at : at + drawn.choice((0, 1, 1, 4))] = drawn.randbytes(drawn.choice((1, 1, 3)))
        try:
            _, copy = made.cleaned(bytes(content), made.rules("safe-private", "clean-descriptors"), tmp_path)
        except InputRefused as refusal:
            refused += 1
            said = refusal.message
        else:
            copied += 1
            said = ""
            assert made.CANARY not in traces_in(copy)
        assert traces_in(said.encode()) == []
    assert refused
    assert copied
