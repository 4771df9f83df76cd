"""A file of quadrants: `[[x, y], …]`, up to a million of them, read strictly."""

import re
from collections.abc import Iterator

from protocol.message import COORDINATE_LIMIT
from services import source
from services.positions import Broken, decoded, parse
from services.tiling.quadrant import Quadrant
from services.tiling.region import REGION_LIMIT

LIMIT_BYTES = 64 << 20
"""A million quadrants, each number on a line of its own and well indented."""
EXPLAINED_BYTES = 1 << 20
"""Up to this size a file is parsed again to say what is wrong with it; beyond that only where it is."""

_OPEN = re.compile(r"\s*\[\s*")
_PAIR = re.compile(r"\[\s*(-?(?:0|[1-9]\d{0,6}))\s*,\s*(-?(?:0|[1-9]\d{0,6}))\s*\]\s*")
_FAR = re.compile(r"\[\s*-?\d+\s*,\s*-?\d+\s*\]")
_COMMA = re.compile(r",\s*")
_END = re.compile(r"\]\s*$")

EXPECTED = "A quadrant is expected here: [x, y], two whole numbers."
TOO_FAR = f"A quadrant's coordinates lie within ±{COORDINATE_LIMIT:,}."
TOO_MANY = f"More than {REGION_LIMIT:,} quadrants are listed."


class BadCells(ValueError):
    """Raised for a file that holds no quadrants; names line and column."""


def read(file: str) -> list[Quadrant]:
    """The quadrants in the file, in its order and as often as they stand there."""
    name = source.name(file)
    content = source.read(file, LIMIT_BYTES)
    try:
        text = decoded(content)
        return list(_quadrants(text, content))
    except Broken as error:
        raise BadCells(f"{name}:{error.line}:{error.column}: {error}") from None


def _quadrants(text: str, content: bytes) -> Iterator[Quadrant]:
    opened = _OPEN.match(text)
    if opened is None:
        raise _broken(text, 0, "A list of quadrants is expected here: [[x, y], …].", content)
    at = opened.end()
    if _END.match(text, at):
        return
    count = 0
    while pair := _PAIR.match(text, at):
        x, y = int(pair[1]), int(pair[2])
        if abs(x) > COORDINATE_LIMIT or abs(y) > COORDINATE_LIMIT:
            raise _broken(text, at, TOO_FAR, content)
        count += 1
        if count > REGION_LIMIT:
            raise _broken(text, at, TOO_MANY, content)
        yield Quadrant(x, y)
        at = pair.end()
        if comma := _COMMA.match(text, at):
            at = comma.end()
        elif _END.match(text, at):
            return
        else:
            raise _broken(text, at, "A comma or a ] is expected here, and nothing after the ].", content)
    raise _broken(text, at, TOO_FAR if _FAR.match(text, at) else EXPECTED, content)


def _broken(text: str, at: int, what: str, content: bytes) -> Broken:
    """What is wrong there: with the JSON itself, if anything is, else with what it says."""
    if len(content) <= EXPLAINED_BYTES:
        try:
            parse(content)
        except Broken as error:
            return error
    while at < len(text) - 1 and text[at].isspace():
        at += 1
    line = text.count("\n", 0, at) + 1
    return Broken(what, line, at - (text.rfind("\n", 0, at) + 1) + 1)
