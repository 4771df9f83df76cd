"""What a world's renders were begun with, the page and what draws: others may draw other pixels."""

import logging
from pathlib import Path

FILE = "page_build.txt"
LETTERS = 80
"""Of each line that are read."""

log = logging.getLogger("renderer")


class Vintage:
    """What a data folder names, from its first frame on: a line for the build, one for what drew.

    A folder of an earlier version names the build alone; what draws is added with its next frame.
    """

    def __init__(self, data: Path) -> None:
        self._file = data / FILE
        self._known: list[str] = []
        self._told: list[str] = []

    def note(self, build: str, graphics: str, frames: int) -> str:
        """What to tell of a page that has drawn so many frames; nothing if all is as in the world's first.

        `graphics` is what draws, a GPU or a software renderer with its version.
        """
        now = [f"page {build}", graphics[:LETTERS].strip()]
        if not self._known:
            self._known = self._read()
        if len(self._known) < len(now) and frames and now[: len(self._known)] == self._known:
            self._known = now
            self._write(now)
        others = [(new, old) for new, old in zip(now, self._known, strict=False) if new != old]
        if not others:
            return ""
        said = ", ".join(f"{new} draws beside renders of {old}" for new, old in others)
        if self._told != now:
            self._told = now
            text = "%s: new frames may not meet those that are there. Render them anew, then remove %s"
            log.warning(text, said, self._file)
        return f"{said}, see {self._file.name}"

    def _read(self) -> list[str]:
        try:
            lines = [line.strip()[:LETTERS] for line in self._file.read_text().splitlines()[:2]]
        except (OSError, ValueError):
            return []
        return [f"page {lines[0]}", *lines[1:]] if lines and lines[0] else []

    def _write(self, known: list[str]) -> None:
        build, graphics = known[0].removeprefix("page "), known[1]
        draft = self._file.with_suffix(f".{build}")
        try:
            draft.write_text(f"{build}\n{graphics}\n")
            draft.replace(self._file)
        except OSError as error:
            log.warning("%s cannot be written (%s)", self._file, error.strerror)
