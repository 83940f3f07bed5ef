"""Real files that come with pydicom, for a first try on a machine without data."""

from importlib.resources import as_file, files
from pathlib import Path

from vesalius.errors import MissingFromEnvironment


def real_ct() -> Path:
    """One slice of a real CT of 128 x 128 pixels.

    Raises:
        MissingFromEnvironment: `missing_data`: this pydicom comes without its test files.
    """
    with as_file(files("pydicom") / "data" / "test_files" / "CT_small.dcm") as path:
        if not path.is_file():
            raise MissingFromEnvironment("missing_data", "The installed pydicom has no test files. Install it from PyPI's wheel.")
        return path
