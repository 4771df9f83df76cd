"""What the page says: of itself when its scene is built, and of each frame when it has drawn."""

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from protocol.work import ErrorClass

SHOWN = 3
"""Addresses that an error names; more of them say no more."""
ADDRESS_LENGTH = 200
REASON_LENGTH = 150
STATUS = re.compile(r"(?:^|\b(?:status|HTTP) ?)([1-5][0-9][0-9])\b")
ASK_AGAIN = (408, 425, 429)
"""Refusals that pass: a time-out, too early, too often."""


class Info(BaseModel):
    """What the page says of itself once its scene is built; bounds in world pixels, x0, y0, x1, y1."""

    model_config = ConfigDict(extra="ignore")

    build: str
    metres_per_pixel: float
    bounds: tuple[float, float, float, float]
    version: Annotated[str, Field(max_length=60)] = ""
    """Which state of its source it draws, where the source says so."""


class Failure(BaseModel):
    """One address that the page could not load, and why; with `status 403`, or 403 first, if refused."""

    model_config = ConfigDict(extra="ignore")

    address: str
    reason: str

    @property
    def final(self) -> bool:
        """Whether the address was refused for good: a wrong key, nothing there."""
        found = STATUS.search(self.reason)
        status = int(found[1]) if found else 0
        return 400 <= status < 500 and status not in ASK_AGAIN

    @property
    def words(self) -> str:
        """The address, without what may be a key in its query, and the reason."""
        address = self.address.partition("?")[0]
        return f"{_shortened(address, ADDRESS_LENGTH)} ({_shortened(self.reason, REASON_LENGTH)})"


class Answer(BaseModel):
    """What the page says when it has drawn."""

    model_config = ConfigDict(extra="ignore")

    job: str
    lost: bool
    failed: list[Failure]


class Incomplete(Exception):
    """Raised when a part of the scene could not be loaded. The page is well; other frames may be drawn."""

    def __init__(self, failed: list[Failure]) -> None:
        shown = [failure.words for failure in failed[:SHOWN]]
        more = f" and {len(failed) - SHOWN} more" if len(failed) > SHOWN else ""
        super().__init__(f"The scene is not complete here: could not load {', '.join(shown)}{more}.")
        self.error_class: ErrorClass = "rejected" if any(failure.final for failure in failed) else "transient"


def _shortened(text: str, length: int) -> str:
    # What it is called stands at the end of an address, where it comes from at its start.
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    half = length // 2 - 1
    return line if len(line) <= length else f"{line[:half]}…{line[-half:]}"
