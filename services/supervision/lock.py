"""The lock on a data folder: one supervisor at a time, and who it is."""

import fcntl
import os
import time
from pathlib import Path

PATIENCE_SECONDS = 0.3


class Held(Exception):
    """Raised when another supervisor has the data folder; `pid` is 0 if it has not said who it is."""

    def __init__(self, pid: int) -> None:
        super().__init__(f"held by process {pid}")
        self.pid = pid


class Lock:
    """flock on DATA/lock. The kernel lets go of it however this process ends; children do not inherit it."""

    def __init__(self, data: Path) -> None:
        self.path = data / "lock"
        self._fd: int | None = None

    def take(self) -> None:
        """Take the lock and write this process's id into it, or raise Held."""
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # `status` holds the lock for an instant to see whether anybody else does.
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    os.close(fd)
                    raise Held(self.owner()) from None
                time.sleep(0.02)
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._fd = fd

    def owner(self) -> int:
        """The process id that stands in the lock, 0 if none; the process need not live."""
        try:
            return int(self.path.read_text() or 0)
        except (FileNotFoundError, ValueError):
            return 0

    def holder(self) -> int | None:
        """The process id of the supervisor that runs now, None if none does."""
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            # Shared, so that two who ask do not take each other for a supervisor.
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return self.owner()
        finally:
            os.close(fd)
        return None

    def release(self) -> None:
        """Let the next one in."""
        if self._fd is not None:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None
