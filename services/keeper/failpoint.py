"""Places where a test makes the keeper die, as a power cut would: `TILEWRIGHT_CRASH=name` or `name:n`."""

import os
import signal

_passes: dict[str, int] = {}


def failpoint(name: str) -> None:
    """Kill this process at the nth pass of the place that the environment names."""
    wanted, _, count = os.environ.get("TILEWRIGHT_CRASH", "").partition(":")
    if wanted != name:
        return
    _passes[name] = _passes.get(name, 0) + 1
    if _passes[name] == int(count or 1):
        os.kill(os.getpid(), signal.SIGKILL)
