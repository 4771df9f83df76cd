"""Processes that a child started and did not take with it, like a browser after a SIGKILL."""

import contextlib
import os
import signal

import psutil

from services.supervision.environment import MARK


def kill(mark: str) -> int:
    """Kill every process with that mark or one below it, with its process group; say how many there were.

    Groups too, because a browser's own children overwrite the memory in which their environment is read.
    """
    spared = {os.getpgid(0), *_groups_of_parents()}
    groups: set[int] = set()
    count = 0
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            found = process.environ().get(MARK, "")
            if found != mark and not found.startswith(mark + "/"):
                continue
            group = os.getpgid(process.pid)
        except (psutil.Error, OSError):
            # Not ours to read, or gone meanwhile.
            continue
        count += 1
        if group in spared:
            with contextlib.suppress(psutil.Error):
                process.kill()
        else:
            groups.add(group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    return count


def _groups_of_parents() -> set[int]:
    found: set[int] = set()
    for parent in psutil.Process().parents():
        with contextlib.suppress(OSError):
            found.add(os.getpgid(parent.pid))
    return found
