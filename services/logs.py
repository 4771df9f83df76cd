"""One line per event, for a person at 3 a.m.

`2026-11-23 04:05:06.123 INFO keeper job=17 plan=city what happened`
"""

import contextlib
import logging
import logging.handlers
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

ROTATE_BYTES = 10 * 1024 * 1024
KEPT_FILES = 5

_FORM = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) (?P<level>[A-Z]+) (?P<name>\S+) "
    r"(?:job=(?P<job>\d+) )?(?:plan=(?P<plan>\S+) )?(?P<message>.*)"
)
_bound: ContextVar[dict[str, object] | None] = ContextVar("bound", default=None)


@dataclass(frozen=True)
class Line:
    """One line of a log, taken apart."""

    at: str
    level: str
    name: str
    job: int | None
    plan: str | None
    message: str


def start(name: str, folder: Path | None, *, console: bool = True) -> logging.Logger:
    """Send this process's log lines to `folder`/NAME.log, rotated, and to standard error."""
    formatter = Formatter(name)
    handlers: list[logging.Handler] = []
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        handlers.append(
            logging.handlers.RotatingFileHandler(
                folder / f"{name}.log", maxBytes=ROTATE_BYTES, backupCount=KEPT_FILES, delay=True
            )
        )
    if console:
        handlers.append(logging.StreamHandler(sys.stderr))
    root = logging.getLogger()
    root.handlers.clear()
    root.setLevel(logging.INFO)
    for handler in handlers:
        handler.setFormatter(formatter)
        root.addHandler(handler)
    # A log that cannot be written must not take the service with it.
    logging.raiseExceptions = False
    # What no line says is not looked up for each: https://docs.python.org/3/howto/logging.html#optimization
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    return logging.getLogger(name)


def about(job: int | None = None, plan: str | None = None) -> dict[str, object]:
    """What a line is about, for the `extra` of a logging call."""
    return {key: value for key, value in (("job", job), ("plan", plan)) if value}


def say_each(log: logging.Logger, lines: Sequence[tuple[str, Mapping[str, object]]]) -> None:
    """Say several things at once, a line for each with what it is about: far cheaper than one by one."""
    if lines:
        log.info("%s", "; ".join([message for message, _ in lines]), extra={"lines": lines})


@contextlib.contextmanager
def bound(job: int | None = None, plan: str | None = None) -> Iterator[None]:
    """Say in every line from within, also of tasks begun there, what it is about."""
    token = _bound.set(about(job, plan))
    try:
        yield
    finally:
        _bound.reset(token)


def take_apart(text: str) -> Line | None:
    """The parts of a line that was written here; None for any other."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    job = int(found["job"]) if found["job"] else None
    return Line(found["at"], found["level"], found["name"], job, found["plan"], found["message"])


class Formatter(logging.Formatter):
    """Makes one line of whatever is logged: line breaks and control characters are escaped."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._second, self._at = -1, ""
        self._record: logging.LogRecord | None = None
        self._line = ""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        # Each handler asks for it.
        if record is not self._record:
            self._record, self._line = record, self._written(record)
        return self._line

    def _written(self, record: logging.LogRecord) -> str:
        if int(record.created) != self._second:
            self._second = int(record.created)
            self._at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.created))
        head = f"{self._at}.{int(record.msecs):03} {record.levelname} {self._name} "
        lines = getattr(record, "lines", None) or [(super().format(record), vars(record))]
        bound = _bound.get() or {}
        return "\n".join([head + _line(message, bound | ids if bound else ids) for message, ids in lines])


def _line(message: str, ids: Mapping[str, object]) -> str:
    named = "".join([f"{key}={ids[key]} " for key in ("job", "plan") if ids.get(key)])
    line = f"{named}{message}"
    if line.isprintable():
        return line
    return "".join([sign if sign.isprintable() else _escaped(sign) for sign in line])


def _escaped(sign: str) -> str:
    return sign.encode("unicode_escape").decode("ascii")
