"""Which build of the page a world's renders were begun with: another one may draw other pixels."""

import logging
from pathlib import Path

FILE = "page_build.txt"

log = logging.getLogger("renderer")


class Vintage:
    """The build that a data folder names, from its first frame on."""

    def __init__(self, data: Path) -> None:
        self._file = data / FILE
        self._known = ""
        self._told = ""

    def note(self, build: str, frames: int) -> str:
        """What to tell of a page that has drawn so many frames; nothing if its build is the world's own."""
        if not self._known:
            self._known = self._read()
        if not self._known and frames:
            self._known = build
            self._write(build)
        if not self._known or self._known == build:
            return ""
        if self._told != build:
            self._told = build
            log.warning(
                "the page is %s and this world was begun with %s: new frames may not meet those that are "
                "there. Render them anew, then remove %s",
                build,
                self._known,
                self._file,
            )
        return f"page {build} draws beside renders of {self._known}, see {self._file.name}"

    def _read(self) -> str:
        try:
            return self._file.read_text().strip()[:60]
        except (OSError, ValueError):
            return ""

    def _write(self, build: str) -> None:
        draft = self._file.with_suffix(f".{build}")
        try:
            draft.write_text(f"{build}\n")
            draft.replace(self._file)
        except OSError as error:
            log.warning("%s cannot be written (%s)", self._file, error.strerror)
