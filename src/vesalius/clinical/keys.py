"""Hashes that stand for patients, studies and files, so that no name has to be shown."""

import contextlib
import functools
import hashlib
import os
import secrets
from pathlib import Path

import platformdirs

from vesalius.errors import MissingFromEnvironment

SALT_VARIABLE = "VESALIUS_SALT"
KEY_LENGTH = 16
# What the writer of phantoms states as manufacturer, and by which the reader knows that nobody's data is at stake.
PHANTOM_MANUFACTURER = "Vesalius phantom"


def key(*parts: str, salted: bool = True) -> str:
    """The stable stand-in for what `parts` name, in that order: 16 hexadecimal digits of a sha256.

    `("a", "bc")` and `("ab", "c")` give different keys. With `salted` the key differs from one installation to the
    next, so that a list of known patient numbers cannot be tried against it; without, it is the same everywhere,
    which is for published collections and phantoms only.

    Raises:
        MissingFromEnvironment: `no_salt`, when the salt can be neither read nor made.
    """
    digest = hashlib.sha256()
    for part in (salt(), *parts) if salted else parts:
        content = part.encode("utf-8", "surrogateescape")
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()[:KEY_LENGTH]


def phantom_patient_key(patient_id: str) -> str:
    """The patient key of the phantom whose DICOM files carry `patient_id`: the same in memory and read from a file."""
    return key("phantom", "patient", patient_id, salted=False)


def phantom_study_key(study_uid: str) -> str:
    """The study key of the phantom whose DICOM files carry `study_uid`: the same in memory and read from a file."""
    return key("phantom", "study", study_uid, salted=False)


def content_sha256(path: Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def salt() -> str:
    """The secret of this installation that keys are made with; made on first use.

    Raises:
        MissingFromEnvironment: `no_salt`.
    """
    return os.environ.get(SALT_VARIABLE) or _stored_salt(platformdirs.user_data_path("vesalius") / "salt")


@functools.cache
def _stored_salt(path: Path) -> str:
    """The salt of this installation, made on first use and readable by its owner only."""
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _create(path, secrets.token_hex(32))
        if not (salt := path.read_text("ascii")):
            raise OSError("empty")  # its writer was stopped halfway; an empty salt would be none
        return salt
    except OSError as error:
        raise MissingFromEnvironment(
            "no_salt",
            "The salt of this installation can be neither read nor made in the user's data folder, or is empty. Keys of "
            "patients need it, so that nobody can guess them back. Make that folder writable, delete an empty file `salt` "
            f"in it, or set {SALT_VARIABLE} to a long random text.",
        ) from error


def _create(path: Path, text: str) -> None:
    """Write whole or not at all, and never over another process's salt: if that was faster, its salt is this installation's."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    _write_new(draft, text)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    except OSError:  # the file system has no hard links; another process may see the file before its text, for an instant
        with contextlib.suppress(FileExistsError):
            _write_new(path, text)
    finally:
        draft.unlink()


def _write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet, for its owner only."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text)
