"""What a run of de-identification was told, and the stand-ins that follow from it: the same everywhere with the same salt."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vesalius.clinical import keys

Box = tuple[int, int, int, int]

PSEUDONYM = re.compile(r"VES[0-9A-F]{13}")
MAPPED_UID = re.compile(r"2\.25\.[1-9][0-9]{0,38}")
_SHIFT_LEAST_DAYS, _SHIFT_SPAN_DAYS = 365, 3650


@dataclass(frozen=True)
class Rules:
    """What crosses the gate with each file.

    Attributes:
        secret: what stand-ins are derived with; whoever has it can try names against them.
        options: names of `options.OPTIONS`.
        black_out_xyxy_px: rectangles to blacken in every picture, half open: pixel x0 is in, x1 is out.
    """

    secret: str
    options: frozenset[str] = frozenset()
    black_out_xyxy_px: tuple[Box, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `from_json` takes it."""
        return {"secret": self.secret, "options": sorted(self.options), "black_out_xyxy_px": list(self.black_out_xyxy_px)}

    @classmethod
    def from_json(cls, stated: Mapping[str, Any]) -> "Rules":
        """The rules that `to_json` has written."""
        boxes = tuple((int(x0), int(y0), int(x1), int(y1)) for x0, y0, x1, y1 in stated["black_out_xyxy_px"])
        return cls(str(stated["secret"]), frozenset(stated["options"]), boxes)

    def uid(self, original: str) -> str:
        """The UID that stands for `original`: 2.25 and a UUID of version 8 (RFC 9562) made of a keyed hash."""
        number = int.from_bytes(self._digest("uid", original)[:16], "big")
        number = number & ~(0xF << 76) | 8 << 76
        return f"2.25.{number & ~(3 << 62) | 2 << 62}"

    def pseudonym(self, patient: str) -> str:
        """What stands in the place of a patient's name and number: 16 characters, as `PSEUDONYM`."""
        return "VES" + self._digest("patient", patient).hex()[:13].upper()

    def title(self, original: str) -> str:
        """A stand-in for a station or a layer: the same for the same, at most 16 capital letters and digits."""
        return "VES" + self._digest("title", original).hex()[:8].upper()

    def shift_days(self, patient: str) -> int:
        """How far this patient's dates are moved: one to eleven years into the past, the same for all that is theirs."""
        drawn = int.from_bytes(self._digest("days", patient)[:8], "big")
        return -(_SHIFT_LEAST_DAYS + drawn % _SHIFT_SPAN_DAYS)

    def name(self, content_sha256: str) -> str:
        """The name of the file whose de-identified content has this hash."""
        return self._digest("file", content_sha256).hex()[:16]

    def key(self, kind: str, original: str) -> str:
        """The name of a folder that stands for a study or a series."""
        return self._digest(kind, original).hex()[:16]

    def _digest(self, kind: str, original: str) -> bytes:
        content = f"{kind}\0{original}".encode("utf-8", "surrogateescape")
        return hmac.digest(self.secret.encode("ascii"), content, hashlib.sha256)


def secret_of_installation() -> str:
    """The secret that follows from the installation's salt: 256 bits, the same in every run.

    Raises:
        MissingFromEnvironment: `no_salt`.
    """
    return "".join(keys.key("de-identification", str(part)) for part in range(4))
