"""What the supervisor says on standard output, which may be a pipe that nobody reads."""

import contextlib
import os
import queue
import threading
from collections.abc import Callable

LINES = 1_000
"""Lines kept for a reader who is slow; beyond them lines are lost here, and stand in the log alone."""
CLOSE_SECONDS = 1.0


class Voice:
    """Writes lines in a thread, so that writing never holds up who speaks.

    `written` is called in that thread after each line.
    """

    def __init__(self, written: Callable[[str], None]) -> None:
        self._written = written
        self._lines: queue.Queue[str | None] = queue.Queue(LINES)
        self._thread = threading.Thread(target=self._write, name="voice", daemon=True)
        self._thread.start()

    def say(self, line: str) -> None:
        """Write the line, soon."""
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(line)

    def close(self) -> None:
        """Wait a moment until all is written."""
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(None)
        self._thread.join(CLOSE_SECONDS)

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            # Not print: its lock, held by a thread that cannot go on, would be waited for at the end.
            content = f"{line}\n".encode()
            with contextlib.suppress(OSError):
                while content:
                    content = content[os.write(1, content) :]
            self._written(line)
