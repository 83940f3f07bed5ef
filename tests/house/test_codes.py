"""The list of codes is the list of codes that are issued: none is registered in vain, none is issued unregistered."""

import ast
from collections.abc import Iterator
from pathlib import Path

import vesalius
from vesalius.errors import FAULTS, REFUSALS, WARNINGS

PACKAGE = Path(vesalius.__file__).parent
CODES = {*REFUSALS, *WARNINGS, *FAULTS}
# What takes a code as its first argument, or under the name `code`.
REFUSE = {"UsageError", "InputRefused", "MissingFromEnvironment", "VesaliusError"}
WARN = {"CodedWarning"}
TELL = {"Fault", "RecordRefused"}
REGISTERED = {**dict.fromkeys(REFUSE, REFUSALS), **dict.fromkeys(WARN, WARNINGS), **dict.fromkeys(TELL, FAULTS)}


def trees() -> Iterator[ast.Module]:
    """Every file of the package but the list itself."""
    for place in sorted(PACKAGE.rglob("*.py")):
        if place != PACKAGE / "errors.py":
            yield ast.parse(place.read_text(encoding="utf-8"))


def issued(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Every code that is written out where an error or a warning is made, with the name of what is made."""
    for node in ast.walk(tree):
        name = ast.unparse(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""
        if isinstance(node, ast.Call) and name in REGISTERED:
            given = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "code")]
            yield from ((name, text) for each in given for text in words(each))


def words(node: ast.AST) -> Iterator[str]:
    """The texts that an expression may be: of a choice both."""
    if isinstance(node, ast.IfExp):
        yield from words(node.body)
        yield from words(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def test_every_code_is_issued_somewhere() -> None:
    # Some are handed to a helper or written into a document, so any text of the code counts that stands alone.
    written = {text for tree in trees() for node in ast.walk(tree) for text in words(node)}
    assert sorted(CODES - written) == []


def test_every_code_that_is_issued_is_registered_as_what_it_is() -> None:
    found = [pair for tree in trees() for pair in issued(tree)]
    assert len(found) > 80
    assert sorted({code for name, code in found if code not in REGISTERED[name]}) == []


def test_an_unregistered_code_would_be_seen() -> None:
    tree = ast.parse("raise errors.InputRefused('odd' if a else 'strange', 'said')\nCodedWarning(code='peculiar', message='')")
    assert list(issued(tree)) == [("InputRefused", "odd"), ("InputRefused", "strange"), ("CodedWarning", "peculiar")]


def test_refusals_warnings_and_faults_never_share_a_code() -> None:
    assert len(CODES) == len(REFUSALS) + len(WARNINGS) + len(FAULTS)
