"""Standard input as the supervisor holds it: a line on it is news, its end is the end of this process."""

import json
import os
import signal
import threading
from collections.abc import Callable

KEY, VALUE, RELOAD = "key", "value", "reload"


def key_line(name: str, value: str) -> bytes:
    """The line that gives a process a model's key, as an environment variable, never by a file."""
    return _line({KEY: name, VALUE: value})


def reload_line() -> bytes:
    """The line that says that the configuration has changed."""
    return _line({RELOAD: True})


def hold(reload: Callable[[], None]) -> None:
    """Listen from now on, in a thread; `reload` is called in it."""
    threading.Thread(target=_listen, args=[reload], name="lifeline", daemon=True).start()


def _listen(reload: Callable[[], None]) -> None:
    begun = b""
    # Not readline of sys.stdin: its lock would be held while Python wants it at the end.
    while news := os.read(0, 4_096):
        *lines, begun = (begun + news).split(b"\n")
        for line in lines:
            told = json.loads(line)
            if KEY in told:
                os.environ[told[KEY]] = told[VALUE]
            if RELOAD in told:
                reload()
    _end()


def _end() -> None:
    """Kill this process group: the supervisor is gone, its end of our standard input has closed with it."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def _line(news: dict[str, str | bool]) -> bytes:
    return json.dumps(news).encode() + b"\n"
