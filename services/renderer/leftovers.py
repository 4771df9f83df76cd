"""Processes of a browser, found by its private profile folder, whoever their parent is by now."""

import contextlib
import logging
import os
import time
from pathlib import Path

import psutil

log = logging.getLogger("leftovers")


def find(profile: Path) -> list[psutil.Process]:
    """Every process of ours that was started on this profile.

    Chromium passes `--user-data-dir` on to all its processes. Their environment and parent would not do:
    zygote children overwrite the one, and the other changes when the browser process is killed.
    """
    marker = f"--user-data-dir={profile}"
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.uids().real == os.getuid() and marker in process.cmdline():
                found.append(process)
    return found


def drivers() -> list[psutil.Process]:
    """Playwright's drivers among our children."""
    found = []
    for process in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if "run-driver" in process.cmdline():
                found.append(process)
    return found


def end(processes: list[psutil.Process]) -> None:
    """Kill those that still run; asyncio reaps them. A stopped driver does not even hear that we close."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def kill(profile: Path, *, seconds: float = 5.0) -> int:
    """Kill them all and wait until they are gone; the number killed. New ones may appear while we kill."""
    killed: set[int] = set()
    deadline = time.monotonic() + seconds
    while (alive := find(profile)) and time.monotonic() < deadline:
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
                killed.add(process.pid)
        psutil.wait_procs(alive, timeout=0.5)
    if alive:
        pids = ", ".join(str(process.pid) for process in alive)
        log.error("processes %s of %s do not end; they are left behind", pids, profile)
    return len(killed)
