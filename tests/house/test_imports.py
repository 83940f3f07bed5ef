"""Imports point one way, do nothing by themselves, and leave torch to those who need it."""

import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

import vesalius

PACKAGE = Path(vesalius.__file__).parent
MODULES = sorted(
    ".".join(("vesalius", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
)
WITHOUT_TORCH = [
    "vesalius",
    "vesalius.cli.main",
    "vesalius.clinical.study",
    "vesalius.datasets.loading.loader",
    "vesalius.datasets.store.table",
    "vesalius.phantom.world",
    "vesalius.workflows.data.convert",
    "vesalius.workflows.doctor",
    "vesalius.workflows.info",
    "vesalius.workflows.inspect",
    "vesalius.workflows.phantom",
]
# Runs in a fresh interpreter: sockets, processes and files opened for writing are refused while our modules load.
WATCH = """
import importlib, os, sys
def watch(event, arguments):
    if event.split(".")[0] in ("socket", "subprocess", "urllib") or event in ("os.mkdir", "os.remove", "os.rename", "os.system"):
        raise SystemExit(f"{event} while importing {now}")
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        raise SystemExit(f"opened for writing while importing {now}: {arguments[0]}")
for library in sys.argv[1].split(","):
    importlib.import_module(library)
sys.addaudithook(watch)
for now in sys.argv[2:]:
    importlib.import_module(now)
"""
# What these do when they are first imported is theirs (matplotlib keeps a list of fonts); they load before the watch begins.
LIBRARIES = "socket,numpy,torch,pydicom,nibabel,PIL.Image,pyarrow.parquet,tokenizers,safetensors.torch,matplotlib.figure,typer"


def test_no_import_runs_in_a_circle() -> None:
    graph = grimp.build_graph("vesalius", cache_dir=None)
    arrows = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(arrows) == len(MODULES) > 10
    order = list(TopologicalSorter(arrows).static_order())  # raises CycleError, which names the circle
    assert set(MODULES) <= set(order)


def test_importing_any_module_opens_no_socket_starts_no_process_and_writes_no_file() -> None:
    done = subprocess.run([sys.executable, "-B", "-c", WATCH, LIBRARIES, *MODULES], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_watch_would_have_seen_a_file(tmp_path: Path) -> None:
    (tmp_path / "writes.py").write_text("open('left_behind', 'w')")
    done = subprocess.run([sys.executable, "-B", "-c", WATCH, "socket", "writes"], capture_output=True, text=True, cwd=tmp_path)
    assert "opened for writing while importing writes" in done.stderr


@pytest.mark.parametrize("module", WITHOUT_TORCH)
def test_what_must_answer_at_once_does_not_import_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr or f"{module} imports torch"
