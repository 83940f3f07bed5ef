"""What other formats need of samples: their media as files that other programs open, and a tally of what a format cannot hold.

Pictures become PNG, or stay the JPEG or PNG that they were; volumes become NIfTI, clips MP4 without loss. All three give the very
values back where the file format has them; where not (Hounsfield units in a PNG, floats in a NIfTI), the tally says so.
"""

import weakref
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np

from vesalius.clinical.nifti_write import write_nifti
from vesalius.clinical.video_write import write_film
from vesalius.datasets.store.media import appearing, encoded
from vesalius.transforms.draw import png_bytes
from vesalius.transforms.intensity import to_display
from vesalius.types import Array, Image, Mask

Dropped = Counter[str]  # what could not be held → how often: "regions: the format has no boxes"
NAME_LENGTH = 24  # hexadecimal digits of a file's name
FRAME_S = 0.04  # of a clip that does not state when its frames were taken; the tally says so


class Export:
    """Writes media below `folder`, each once, and gives their names relative to it."""

    def __init__(self, folder: Path, dropped: Dropped, *, media: str = "images") -> None:
        self.folder, self.dropped, self.media = folder, dropped, media
        self._written: weakref.WeakKeyDictionary[Image | Mask, str] = weakref.WeakKeyDictionary()

    def picture(self, image: Image) -> str:
        """A picture as `<media>/<hash>.png` or `.jpg`."""
        return self._once(image, lambda: self._picture(image))

    def volume(self, image: Image) -> str:
        """A volume, or a picture with its place in the patient, as `<media>/<hash>.nii.gz`."""
        return self._once(image, lambda: self._volume(image, image.load(), "voxels"))

    def clip(self, image: Image) -> str:
        """A clip as `<media>/<hash>.mp4`.

        Raises:
            MissingFromEnvironment: `missing_package`: the extra `video` is not installed.
        """
        return self._once(image, lambda: self._clip(image))

    def any(self, image: Image) -> str:
        """Whatever it is, as the file that other programs expect; a slide as a picture."""
        kinds = {"volume": self.volume, "clip": self.clip}
        return kinds.get(image.kind, self.picture)(image)

    def mask(self, mask: Mask, of: Image) -> str:
        """A mask as `.png` of 0 and 255; of a volume as `.nii.gz` of 0 and 1 with the volume's place in the patient."""
        if of.kind == "volume":
            return self._once(mask, lambda: self._volume(of, mask.load(), "mask"))
        return self._once(mask, lambda: self._bytes(png_bytes(np.where(mask.load(), np.uint8(255), np.uint8(0))), ".png"))

    def array(self, pixels: Array) -> str:
        """Pixels that belong to no image of a sample, uint8 or uint16, as `<media>/<hash>.png`."""
        return self._bytes(png_bytes(pixels), ".png")

    def _once(self, item: Image | Mask, write: Callable[[], str]) -> str:
        # By identity, and only while it lives: pictures in memory are not kept for the sake of this.
        if item not in self._written:
            self._written[item] = write()
        return self._written[item]

    def _picture(self, image: Image) -> str:
        content, suffix = encoded(image)
        if suffix == ".npy":
            self.dropped["pictures whose values are not 8 or 16 bits: shown through their window, as 8 bits"] += 1
            content, suffix = png_bytes(to_display(image.load(), image)), ".png"
        return self._bytes(content, suffix)

    def _volume(self, image: Image, values: Array, what: str) -> str:
        stored = values
        if values.dtype.name not in ("bool", "uint8", "int16", "uint16"):
            rounded = np.clip(np.round(values), -(2**15), 2**15 - 1).astype(np.int16)
            if not np.array_equal(rounded, values):
                self.dropped[f"{what} that are no whole numbers of 16 bits: rounded"] += 1
            stored = rounded
        name = self._named(stored.tobytes() + repr((stored.shape, stored.dtype.name, image.affine_lps_mm)).encode(), ".nii.gz")
        if not (self.folder / name).is_file():
            with appearing(self.folder / name) as draft:
                color = image.channels == 3 and what == "voxels"
                write_nifti(draft, stored, spacing_mm=image.spacing_mm, affine_lps_mm=image.affine_lps_mm, is_color=color)
        return name

    def _clip(self, image: Image) -> str:
        frames = image.load()
        if frames.dtype != np.uint8:
            self.dropped["clips whose values are not 8 bits: shown through their window, as 8 bits"] += 1
            frames = to_display(frames, image)
        if image.frame_s is None:
            self.dropped[f"clips that do not say when their frames were taken: written at {1 / FRAME_S:.0f} a second"] += 1
        name = self._named(frames.tobytes() + repr((frames.shape, image.frame_s)).encode(), ".mp4")
        if not (self.folder / name).is_file():
            with appearing(self.folder / name) as draft:
                write_film(draft, frames, frame_s=image.frame_s or FRAME_S)
        return name

    def _bytes(self, content: bytes, suffix: str) -> str:
        name = self._named(content, suffix)
        if not (self.folder / name).is_file():
            with appearing(self.folder / name) as draft:
                draft.write_bytes(content)
        return name

    def _named(self, content: bytes, suffix: str) -> str:
        return f"{self.media}/{sha256(content).hexdigest()[:NAME_LENGTH]}{suffix}"
