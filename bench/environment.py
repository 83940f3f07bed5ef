"""The peers' own environment, built by plain pip below a cache folder, and what a machine is made of."""

import datetime
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CACHE = ROOT / ".venv-bench"


def peers_python(cache: Path, name: str = "peers") -> Path:
    """The interpreter of an environment with the pins of `NAME.txt`, made now unless it is there with the same pins."""
    pins = (HERE / f"{name}.txt").read_bytes()
    folder = cache / name
    python, stamp = folder / "bin" / "python", folder / "pins.sha256"
    digest = hashlib.sha256(pins).hexdigest()
    if stamp.is_file() and stamp.read_text("ascii") == digest:
        return python
    cache.mkdir(parents=True, exist_ok=True)
    print(f"building the environment {name} (about a minute, 2 GB)", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "--requirement", str(HERE / f"{name}.txt")], check=True)
    stamp.write_text(digest, "ascii")
    return python


def machine_facts() -> dict[str, Any]:
    """What explains a timing and when and of what it was taken, and nothing that names the machine."""
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text("ascii"))
    processor = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text("utf-8"))
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(int(memory[1]) / 2**20, 1) if memory else None,
        "processor": processor[1].strip() if processor else platform.machine(),
        "kernel": platform.release().split("-")[0],
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
        "date": datetime.date.today().isoformat(),
        "commit": _commit(),
    }


def _commit() -> str | None:
    """The commit that is measured, marked where files differ from it; None where git does not say."""
    asked = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"]
    try:
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def publish(result: dict[str, Any], out: Path, shown: str) -> None:
    """Write the figures as JSON, and the tables beside them and on standard output."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    out.with_suffix(".md").write_text(shown + "\n", "utf-8")
    print(shown)
