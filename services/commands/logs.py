"""`supervisor.py logs`: what all processes have logged, in the order of time."""

import argparse
import contextlib
import heapq
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from services.config import DEFAULT_CONFIG, DEFAULT_DATA
from services.logs import KEPT_FILES, Line, take_apart

LINES = 200
LOOK_SECONDS = 0.25
BLOCK_BYTES = 1 << 16

NOT_WELL, INTERRUPTED = 1, 130

Wanted = Callable[[Line], bool]


@dataclass(frozen=True)
class Said:
    """One line as it stands in a file, and its parts."""

    text: str
    line: Line


def main(words: Sequence[str]) -> int:
    """Print log lines. Exit code: 0, or 1 if there is no process of a name, 130 when interrupted."""
    given = _parser().parse_args(words)
    folder = given.data / "logs"
    known = _names(folder)
    for name in given.names:
        if name not in known:
            there = f"There are: {', '.join(known)}." if known else "Nothing has been logged yet."
            print(f"{folder} has no log of {name}. {there}", file=sys.stderr)
            return NOT_WELL
    show = _as_json if given.json else _as_text

    def wanted(line: Line) -> bool:
        return given.job in (None, line.job) and given.plan in (None, line.plan)

    try:
        # Where the reading begins is settled before the past is read: nothing falls between the two.
        tails = {name: Tail(folder / f"{name}.log") for name in given.names or known}
        for said in last(list(tails.values()), given.lines, wanted):
            show(said)
        sys.stdout.flush()
        while given.follow:
            time.sleep(LOOK_SECONDS)
            for name in given.names or _names(folder):
                if name not in tails:
                    tails[name] = Tail(folder / f"{name}.log", begin=True)
            news = (tail.news() for tail in tails.values())
            for said in merged(news):
                if wanted(said.line):
                    show(said)
            sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read has enough; Python would complain once more at its end.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


class Tail:
    """One log: its past, and what is added to it, across rotations. `begin` counts all of it as added."""

    def __init__(self, path: Path, *, begin: bool = False) -> None:
        self.path = path
        self._begun = b""
        self._file = self._open()
        self.length = 0 if begin or self._file is None else self._file.seek(0, os.SEEK_END)
        if begin and self._file is not None:
            self._file.seek(0)

    def news(self) -> list[Said]:
        """The whole lines added since the last time."""
        lines = self._read()
        if self._rotated():
            # The last of the old file may have been written between the two looks.
            lines += self._read()
            if self._file is not None:
                self._file.close()
            self._file = self._open()
            lines += self._read()
        return lines

    def past(self) -> Iterator[Said]:
        """Every line from before, the latest first."""
        older = (self.path.with_name(f"{self.path.name}.{number}") for number in range(1, KEPT_FILES + 1))
        for path, length in [(self.path, self.length), *((path, None) for path in older)]:
            with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
                for line in backwards(file, length):
                    yield from _said([line])

    def _read(self) -> list[Said]:
        if self._file is None:
            return []
        *lines, self._begun = (self._begun + self._file.read()).split(b"\n")
        return _said(lines)

    def _open(self) -> BinaryIO | None:
        try:
            return self.path.open("rb")
        except FileNotFoundError:
            return None

    def _rotated(self) -> bool:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return False
        return self._file is None or os.fstat(self._file.fileno()).st_ino != found.st_ino


def last(tails: list[Tail], count: int, wanted: Wanted) -> list[Said]:
    """The last lines of all logs together, the oldest first."""
    found = []
    for tail in tails:
        lines = (said for said in tail.past() if wanted(said.line))
        found.append(list(itertools.islice(lines, count))[::-1])
    return list(merged(found))[-count:] if count else []


def merged(logs: Iterable[list[Said]]) -> Iterator[Said]:
    """The lines of several logs by time; within one log they stay as they are."""
    return heapq.merge(*logs, key=lambda said: said.line.at)


def backwards(file: BinaryIO, length: int | None = None) -> Iterator[bytes]:
    """The whole lines of a file of that length, from its end to its beginning."""
    at = file.seek(0, os.SEEK_END) if length is None else length
    begun, whole = b"", False
    while at > 0:
        size = min(BLOCK_BYTES, at)
        at -= size
        file.seek(at)
        begun, *lines = (file.read(size) + begun).split(b"\n")
        if lines and not whole:
            # What follows the last line break is not a whole line yet.
            whole = True
            lines.pop()
        yield from reversed(lines)
    if whole:
        yield begun


def _said(lines: Iterable[bytes]) -> list[Said]:
    """Those lines that a process of ours has logged."""
    texts = (line.decode("utf-8", "replace") for line in lines)
    return [Said(text, line) for text in texts if (line := take_apart(text))]


def _as_text(said: Said) -> None:
    print(said.text)


def _as_json(said: Said) -> None:
    print(json.dumps(asdict(said.line), ensure_ascii=False))


def _names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.log"))


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no number of lines")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="supervisor.py logs",
        description="Print what the processes of a world have logged, by time. Works when nothing runs, too.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a process, as status names it; all without")
    parser.add_argument("--follow", action="store_true", help="stay and print what is added, until Ctrl-C")
    parser.add_argument(
        "--lines", type=_count, default=LINES, metavar="N", help=f"the last N lines (default {LINES})"
    )
    parser.add_argument("--job", type=int, metavar="ID", help="only lines about this job")
    parser.add_argument("--plan", metavar="ID", help="only lines about this plan")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE", help=argparse.SUPPRESS)
    parser.add_argument(
        "--data", type=Path, default=DEFAULT_DATA, metavar="FOLDER", help="the world's folder"
    )
    return parser
