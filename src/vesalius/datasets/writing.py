"""Records for other programs, written one by one, a file a split, with their media beside; files appear when all is written."""

import json
import weakref
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TextIO

import numpy as np

from vesalius.datasets.exports import NAME_LENGTH, Dropped, Export
from vesalius.datasets.store.media import appearing, encoded
from vesalius.errors import UsageError
from vesalius.transforms.draw import png_bytes
from vesalius.transforms.intensity import to_display
from vesalius.types import Array, Image, Sample

DEEP = "pictures of more than 8 bits, or inverted: shown through their window, as 8 bits; programs cut off values above 255"


class Media:
    """The files of a sample's pictures and clips, each written once, by names relative to the folder."""

    def __init__(self, folder: Path, dropped: Dropped) -> None:
        self._dropped, self._tally = dropped, Dropped()
        self._pictures = Export(folder, self._tally, media="images")
        self._films = Export(folder, self._tally, media="videos")
        self._named: weakref.WeakKeyDictionary[Image, tuple[str, bool]] = weakref.WeakKeyDictionary()

    def name(self, image: Image) -> str:
        """Of an image `images/<hash>.png` or `.jpg`, of a clip `videos/<hash>.mp4`; 8 bits, as an eye should see them."""
        if image not in self._named:
            shown = None if image.kind == "clip" else rendered(image)
            before = self._tally.copy()
            if shown is not None:
                self._tally[DEEP] += 1
                name = self._pictures.array(shown)
            else:
                name = self._films.clip(image) if image.kind == "clip" else self._pictures.picture(image)
            told = self._tally - before
            self._dropped.update(told)
            self._named[image] = name, any("through their window" in what for what in told)
        return self._named[image][0]

    def changed(self, sample: Sample) -> list[int]:
        """The indices of the pictures whose values are others in their files; all of them have been written."""
        return [index for index, shown in enumerate(sample.images) if self._named.get(shown.image, ("", False))[1]]


def rendered(image: Image) -> Array | None:
    """A picture of more than 8 bits, or one whose low values are bright, as 8 bits; None when it is shown as it is.

    What trains on a PNG opens it with Pillow and converts it to RGB, which cuts 16 bits off at 255: a radiograph would be white.
    """
    values = image.load()
    return to_display(values, image) if values.dtype != np.uint8 or image.inverted else None


class Records:
    """Files of records below a folder, as JSON lists or as JSON lines; a context that makes them appear when it ends well."""

    def __init__(self, folder: Path, form: Literal["list", "lines"]) -> None:
        self.folder, self.form = folder, form
        self._stack = ExitStack()
        self._open: dict[str, TextIO] = {}

    def __enter__(self) -> "Records":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None and self.form == "list":
            for file in self._open.values():
                file.write("\n]\n")
        self._stack.__exit__(kind, error, trace)

    @property
    def names(self) -> tuple[str, ...]:
        """The files so far, without their suffix, in the order in which they were begun."""
        return tuple(self._open)

    def add(self, name: str, record: Any) -> None:
        """Append a record to the file of that name."""
        file, is_first = self._open.get(name), name not in self._open
        if file is None:
            draft = self._stack.enter_context(appearing(self.folder / f"{name}.{'json' if self.form == 'list' else 'jsonl'}"))
            file = self._stack.enter_context(draft.open("w", encoding="utf-8", newline="\n"))
            self._open[name] = file
        text = json.dumps(record, ensure_ascii=False)
        if self.form == "list":
            file.write(("[\n" if is_first else ",\n") + text)
        else:
            file.write(text + "\n")


def split_name(sample: Sample) -> str:
    """The name of a file for the sample's split."""
    return sample.provenance.split or "all"


def nothing_held(name: str, dropped: Dropped) -> UsageError:
    """What a writer raises when no sample at all has a place in its format."""
    why = "; ".join(dropped) or "there is no sample"
    return UsageError(
        "bad_option",
        f"None of the samples has a place in {name} ({why}). A dataset without records serves nothing. Choose another format.",
    )


class Inside:
    """The bytes of a sample's pictures, for formats that hold them inside of their records; PNG or JPEG."""

    def __init__(self, dropped: Dropped) -> None:
        self._dropped = dropped
        self._changed: weakref.WeakKeyDictionary[Image, bool] = weakref.WeakKeyDictionary()

    def encoded(self, image: Image) -> tuple[bytes, str]:
        """The file of a picture, and its suffix; 8 bits, as an eye should see them."""
        shown = rendered(image)
        if image not in self._changed:
            self._changed[image] = shown is not None
            self._dropped.update({DEEP: 1} if shown is not None else {})
        return encoded(image) if shown is None else (png_bytes(shown), ".png")

    def picture(self, image: Image) -> dict[str, Any]:
        """As Hugging Face `datasets` keeps it: `{"bytes": …, "path": "<hash>.png"}`."""
        content, suffix = self.encoded(image)
        return {"bytes": content, "path": f"{sha256(content).hexdigest()[:NAME_LENGTH]}{suffix}"}

    def changed(self, sample: Sample) -> list[int]:
        """The indices of the pictures whose values are others in their files; all of them have been written."""
        return [index for index, shown in enumerate(sample.images) if self._changed.get(shown.image, False)]
