"""The spool: what a model answered, kept on disk until the keeper has it, so that it is paid for once."""

import errno
import logging
import os
import secrets
import time
from pathlib import Path

from services.disk import sync
from services.failpoint import failpoint

LEFTOVER_SECONDS = 7 * 86_400.0
NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}

log = logging.getLogger("spool")


class Spool:
    """Files named by job and by everything that was paid for. All workers of one data folder share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, job: int, key: str) -> bytes | None:
        """What was answered to exactly this before, by whichever process it was."""
        try:
            return self._path(job, key).read_bytes()
        except FileNotFoundError:
            return None

    def keep(self, job: int, key: str, content: bytes) -> bool:
        """Put an answer on disk for good; False if there is no room, which must not stop its use."""
        path = self._path(job, key)
        # A name of its own for each try: a crash half way must not leave a file under the final name.
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            try:
                with open(draft, "xb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(draft, path)
            except BaseException:
                draft.unlink(missing_ok=True)
                raise
            sync(self.folder)
        except OSError as error:
            if error.errno not in NO_SPACE:
                raise
            log.error(
                "job %d: its answer could not be kept (%s); a crash now would lose it", job, error.strerror
            )
            return False
        failpoint("w_spooled")
        return True

    def drop(self, job: int) -> None:
        """Forget what was kept for a job: the keeper has it, or it is no use."""
        for path in self.folder.glob(f"{job:d}-*"):
            path.unlink(missing_ok=True)

    def sweep(self, *, older_than: float = LEFTOVER_SECONDS) -> int:
        """Remove what nobody has come back for in so many seconds; how many files."""
        removed = 0
        if not self.folder.is_dir():
            return 0
        with os.scandir(self.folder) as entries:
            old = [entry.path for entry in entries if _age(entry) > older_than]
        for path in old:
            Path(path).unlink(missing_ok=True)
            removed += 1
        return removed

    def _path(self, job: int, key: str) -> Path:
        return self.folder / f"{job:d}-{key}"


def _age(entry: os.DirEntry[str]) -> float:
    """Seconds since the file was written; none if another process has just removed it."""
    try:
        return time.time() - entry.stat().st_mtime
    except FileNotFoundError:
        return 0.0
