"""The clocks: the wall's, which people read and may set, and a steady one, which leases and delays go by."""

import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from services.keeper.store import Store

BOOT_FILE = Path("/proc/sys/kernel/random/boot_id")
MICROSECONDS = 1_000_000

_FAULTS = os.environ.get("TILEWRIGHT_FAULTS", "")


def wall() -> float:
    """UTC seconds; off by what the file `clock` in $TILEWRIGHT_FAULTS says, if the drill sets that."""
    return time.time() + (_offset(f"{_FAULTS}/clock") if _FAULTS else 0.0)


def _offset(file: str) -> float:
    if not os.access(file, os.F_OK):
        return 0.0
    with open(file, encoding="ascii") as opened:
        return float(opened.read() or 0.0)


def boot_id() -> str:
    """What tells this life of the machine from every other; the same text always where nothing tells."""
    return BOOT_FILE.read_text().strip() if BOOT_FILE.exists() else str(uuid.UUID(int=0))


class Steady:
    """Seconds that never jump, in all lives of the keeper between two starts of the machine.

    They begin near the wall's time, since what was written by an older keeper went by that.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], float] = wall,
        monotonic: Callable[[], float] = time.monotonic,
        boot: Callable[[], str] = boot_id,
    ) -> None:
        self._monotonic = monotonic
        # 62 bits of it are enough, and fit into a column of numbers.
        this = uuid.UUID(boot()).int >> 66
        before, base = store.setting("boot"), store.setting("steady_base")
        self.anew = before is not None and before != this
        """Whether the machine was started since the last keeper: no worker of that time lives."""
        if before != this or base is None:
            base = int((clock() - monotonic()) * MICROSECONDS)
            store.begin()
            store.set("boot", this)
            store.set("steady_base", base)
            store.commit()
        self._base = base / MICROSECONDS

    def __call__(self) -> float:
        return self._monotonic() + self._base
