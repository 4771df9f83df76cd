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
        now = [build, graphics[:LETTERS].strip()]
        if not self._known:
            self._known = self._read()
        if len(self._known) < len(now) and frames and now[: len(self._known)] == self._known:
            self._known = now
            self._write(now)
        others = [
            f"{what}{new} draws beside renders of {what}{old}"
            for what, new, old in zip(("page ", ""), now, self._known, strict=False)
            if new != old
        ]
        if not others:
            return ""
        said = ", ".join(others)
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
        return lines if any(lines) else []

    def _write(self, known: list[str]) -> None:
        draft = self._file.with_suffix(f".{known[0]}")
        try:
            draft.write_text("".join(f"{line}\n" for line in known))
            draft.replace(self._file)
        except OSError as error:
            log.warning("%s cannot be written (%s)", self._file, error.strerror)
