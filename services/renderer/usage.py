"""What the processes of a browser use: processor time since they were last looked at, and memory."""

import contextlib
import os
import sys
from collections.abc import Iterable

import psutil

BUSY_STATES = (psutil.STATUS_RUNNING, psutil.STATUS_DISK_SLEEP)


class Meter:
    """The processor time of some processes. Those that start later are not seen."""

    def __init__(self, processes: Iterable[psutil.Process]) -> None:
        self._processes = list(processes)
        self._used: dict[int, float] = {}
        self._marked: dict[int, float] = {}
        self._threads = {process.pid: _threads(process) for process in self._processes}
        self.idle = False
        """Whether between the last two readings none of them did anything to speak of, or would have."""
        self.read()
        self.mark()

    def read(self) -> None:
        """Look at them now."""
        before, self._used, wanting = self._used, {}, False
        for process in self._processes:
            with contextlib.suppress(psutil.Error), process.oneshot():
                times = process.cpu_times()
                self._used[process.pid] = times.user + times.system
                # On a busy machine a process may wait long for its turn.
                wanting = wanting or process.status() in BUSY_STATES
        spent = sum(used - before.get(pid, used) for pid, used in self._used.items())
        # The kernel counts in hundredths of a second, and a sleeping browser takes one now and then.
        self.idle = not wanting and spent < 0.03

    def mark(self) -> None:
        """Count from this reading on."""
        self._marked = self._used

    @property
    def most(self) -> float:
        """Seconds that the busiest has worked since the mark; what draws, on each of the processors."""
        return max(
            ((used - self._marked.get(pid, 0.0)) / self._threads[pid] for pid, used in self._used.items()),
            default=0.0,
        )


def _threads(process: psutil.Process) -> int:
    """On how many processors it works at once: what draws in software, on all."""
    with contextlib.suppress(psutil.Error):
        if "--type=gpu-process" in process.cmdline():
            return os.cpu_count() or 1
    return 1


def megabytes(processes: Iterable[psutil.Process]) -> int:
    """Their memory, with what they share counted once where the system can tell. It takes a while."""
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            found = process.memory_full_info()
            total += found.pss if sys.platform == "linux" else found.uss
    return total >> 20
