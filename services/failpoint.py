"""Places where a test or the drill makes a process fail; without either they do nothing.

`TILEWRIGHT_CRASH=name:n` kills the process at the nth pass of a place. `TILEWRIGHT_FAULTS` names a folder:
a file there called NAME, or NAME@PROCESS, happens to whichever process first comes to that place, once. Its
content says what: `kill` and `stop` send this process SIGKILL or SIGSTOP, `lose` tells the caller to drop
what it was about to send, `full` fails as SQLite does on a full disk.
"""

import os
import signal
import sqlite3
from pathlib import Path

PLACES = frozenset(
    {
        "keeper_plan", "keeper_enter", "keeper_lease", "keeper_ack", "before_commit", "after_commit",
        "blobs_written", "reply", "draft_begun", "draft_written",
        "w_taken", "w_worked", "w_spooled", "w_done",
    }
)  # fmt: skip
"""`keeper_…`: within the transaction; `reply`: the answer is about to be sent; `draft_…`: in the process that
draws a large plan up; `w_…`: in a worker's hands."""


class Faults:
    """What the environment asks for."""

    def __init__(self, folder: str, crash: str, process: str) -> None:
        self._folder = folder
        self._wanted, _, count = crash.partition(":")
        self._left = int(count or 1)
        self._process = process

    def meet(self, name: str) -> bool:
        """Let happen what is asked for at this place; True if the caller is to lose what it would send."""
        if name == self._wanted:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return bool(self._folder) and self._do(self._taken(name))

    def _taken(self, name: str) -> str:
        """What the first file for this place says; it is gone then, and nobody else's."""
        for file in (f"{name}@{self._process}", name):
            # Looked for first: places are passed thousands of times, and an exception takes far longer.
            if not os.access(f"{self._folder}/{file}", os.F_OK):
                continue
            mine = Path(self._folder) / f".{file}.{os.getpid()}"
            try:
                mine.with_name(file).rename(mine)
            except FileNotFoundError:
                continue
            what = mine.read_text()
            mine.unlink()
            return what
        return ""

    def _do(self, what: str) -> bool:
        match what.strip():
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "stop":
                os.kill(os.getpid(), signal.SIGSTOP)
            case "full":
                error = sqlite3.OperationalError("database or disk is full")
                error.sqlite_errorcode = sqlite3.SQLITE_FULL
                raise error
            case "lose":
                return True
        return False


def _asked(environment: os._Environ[str] = os.environ) -> Faults | None:
    folder, crash = environment.get("TILEWRIGHT_FAULTS", ""), environment.get("TILEWRIGHT_CRASH", "")
    process = environment.get("TILEWRIGHT_CHILD", "").rpartition("/")[2]
    return Faults(folder, crash, process) if folder or crash else None


_faults = _asked()


def failpoint(name: str) -> bool:
    """Pass a place where a fault may be asked for; True if what would be sent now is to be lost."""
    return _faults is not None and _faults.meet(name)
