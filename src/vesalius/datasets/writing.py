"""Records for other programs, written one by one, a file a split, with their media beside; files appear when all is written."""

import json
import weakref
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TextIO

from vesalius.datasets.exports import NAME_LENGTH, Dropped, Export
from vesalius.datasets.store.media import appearing, encoded
from vesalius.errors import UsageError
from vesalius.transforms.draw import png_bytes
from vesalius.transforms.intensity import to_display
from vesalius.types import Image, Sample


class Media:
    """The files of a sample's pictures and clips, each written once, by names relative to the folder."""

    def __init__(self, folder: Path, dropped: Dropped) -> None:
        self._dropped, self._tally = dropped, Dropped()
        self._pictures = Export(folder, self._tally, media="images")
        self._films = Export(folder, self._tally, media="videos")
        self._changed: weakref.WeakKeyDictionary[Image, bool] = weakref.WeakKeyDictionary()

    def name(self, image: Image) -> str:
        """Of an image `images/<hash>.png` or `.jpg`, of a clip `videos/<hash>.mp4`."""
        before = self._tally.copy()
        name = self._films.clip(image) if image.kind == "clip" else self._pictures.picture(image)
        told = self._tally - before
        self._dropped.update(told)
        if image not in self._changed:
            self._changed[image] = any("shown through their window" in what for what in told)
        return name

    def changed(self, sample: Sample) -> list[int]:
        """The indices of the pictures whose values are others in their files; all of them have been written."""
        return [index for index, shown in enumerate(sample.images) if self._changed.get(shown.image, False)]


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
        """The file of a picture, and its suffix; values that no such file holds are shown through their window."""
        content, suffix = encoded(image)
        if is_changed := suffix == ".npy":
            content, suffix = png_bytes(to_display(image.load(), image)), ".png"
        if image not in self._changed:
            self._changed[image] = is_changed
            if is_changed:
                self._dropped["pictures whose values are not 8 or 16 bits: shown through their window, as 8 bits"] += 1
        return content, suffix

    def picture(self, image: Image) -> dict[str, Any]:
        """As Hugging Face `datasets` keeps it: `{"bytes": …, "path": "<hash>.png"}`."""
        content, suffix = self.encoded(image)
        return {"bytes": content, "path": f"{sha256(content).hexdigest()[:NAME_LENGTH]}{suffix}"}

    def changed(self, sample: Sample) -> list[int]:
        """The indices of the pictures whose values are others in their files; all of them have been written."""
        return [index for index, shown in enumerate(sample.images) if self._changed.get(shown.image, False)]
