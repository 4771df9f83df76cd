"""JSON, read strictly, with line and column of every value: no duplicate keys, no NaN, nothing after it."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

DEPTH_LIMIT = 50

Path = tuple[int | str, ...]

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"')
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,30})(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?(?![\w.+-])")
_WORDS = {"true": True, "false": False, "null": None}
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Broken(ValueError):
    """Raised for a text that is not strict JSON; says what, never what stands there."""

    def __init__(self, what: str, line: int, column: int) -> None:
        super().__init__(what)
        self.line = line
        self.column = column


@dataclass(frozen=True)
class Document:
    """A parsed value and where each part of it stands."""

    value: Any
    places: dict[Path, tuple[int, int]]

    def place(self, path: Sequence[int | str]) -> tuple[int, int]:
        """Line and column, from 1, of the part at `path` or of the nearest part around it."""
        steps = tuple(path)
        while steps and steps not in self.places:
            steps = steps[:-1]
        return self.places[steps]

    def field(self, path: Sequence[int | str]) -> str:
        """`models[2].name`, as far as the document has it, and one step further."""
        name = ""
        for count, step in enumerate(path):
            if tuple(path[:count]) not in self.places:
                break
            name += f"[{step}]" if isinstance(step, int) else f".{step}" if name else step
        return name


def parse(content: bytes) -> Document:
    """The document in the bytes, or Broken."""
    return _Reader(decoded(content)).document()


def value(content: bytes) -> Any:
    """The value in the bytes without its places, ten times as fast; raises Broken where `parse` does."""
    try:
        return strict(decoded(content))
    except Broken:
        raise
    except (ValueError, RecursionError):
        return parse(content).value


def strict(text: str) -> Any:
    """The value in the text; raises ValueError, or RecursionError, for anything but strict JSON."""
    return json.loads(text, object_pairs_hook=_distinct, parse_constant=_none_of_json, parse_float=_finite)


def decoded(content: bytes) -> str:
    """The text in the bytes, or Broken."""
    if content.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise Broken("It begins with a byte order mark; save it as UTF-8 without one.", 1, 1)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        column = error.start - (before.rfind(b"\n") + 1) + 1
        raise Broken("It is not UTF-8; save it as UTF-8.", before.count(b"\n") + 1, column) from None


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._places: dict[Path, tuple[int, int]] = {}
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self._line = 0

    def document(self) -> Document:
        if not self._text.strip():
            raise self._broken("It is empty.")
        value = self._value(())
        self._skip()
        if self._at < len(self._text):
            raise self._broken("Something follows after the end of the object.")
        return Document(value, self._places)

    def _value(self, path: Path) -> Any:
        self._skip()
        self._places.setdefault(path, self._place())
        sign = self._peek()
        if sign == "{":
            return self._object(path)
        if sign == "[":
            return self._list(path)
        if sign == '"':
            return self._string()
        number = _NUMBER.match(self._text, self._at)
        if number:
            self._at = number.end()
            return self._number(number[0])
        word = _WORD.match(self._text, self._at)
        if word and word[0] in _WORDS:
            self._at = word.end()
            return _WORDS[word[0]]
        raise self._broken(
            "A value is expected here: a text in double quotes, a number, true, false or null."
        )

    def _object(self, path: Path) -> dict[str, Any]:
        self._enter(path)
        found: dict[str, Any] = {}
        if self._closes("}"):
            return found
        while True:
            self._skip()
            if self._peek() != '"':
                raise self._broken("A field's name in double quotes is expected here.")
            place = self._place()
            name = self._string()
            if name in found:
                raise Broken("This field is given twice in the same object.", *place)
            self._skip()
            if self._peek() != ":":
                raise self._broken("A colon is expected here, after the field's name.")
            self._at += 1
            self._places[(*path, name)] = place
            found[name] = self._value((*path, name))
            if self._ends("}"):
                return found

    def _list(self, path: Path) -> list[Any]:
        self._enter(path)
        found: list[Any] = []
        if self._closes("]"):
            return found
        while True:
            found.append(self._value((*path, len(found))))
            if self._ends("]"):
                return found

    def _string(self) -> str:
        match = _STRING.match(self._text, self._at)
        if match is None:
            raise self._broken("This text is not closed, or has a line break or a wrong \\ in it.")
        self._at = match.end()
        value = str(json.loads(match[0]))
        if not value.isascii() and any("\ud800" <= sign <= "\udfff" for sign in value):
            raise self._broken("This text has half a character in it (a lone surrogate).")
        return value

    def _number(self, digits: str) -> int | float:
        if re.fullmatch(r"-?\d+", digits):
            return int(digits)
        number = float(digits)
        if number in (float("inf"), float("-inf")):
            raise self._broken("This number is too large.")
        return number

    def _enter(self, path: Path) -> None:
        if len(path) >= DEPTH_LIMIT:
            raise self._broken("It is nested too deeply.")
        self._at += 1

    def _closes(self, bracket: str) -> bool:
        self._skip()
        if self._peek() != bracket:
            return False
        self._at += 1
        return True

    def _ends(self, bracket: str) -> bool:
        """Step over a comma, or over the bracket and say so."""
        if self._closes(bracket):
            return True
        if self._peek() != ",":
            raise self._broken(f"A comma or a {bracket} is expected here.")
        comma = self._place()
        self._at += 1
        if self._closes(bracket):
            raise Broken(f"This comma stands before a {bracket}; take it out.", *comma)
        return False

    def _skip(self) -> None:
        match = _SPACE.match(self._text, self._at)
        assert match is not None
        self._at = match.end()

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _place(self) -> tuple[int, int]:
        # Positions only grow, so that the search for the line need not begin anew.
        while self._line + 1 < len(self._lines) and self._lines[self._line + 1] <= self._at:
            self._line += 1
        return self._line + 1, self._at - self._lines[self._line] + 1

    def _broken(self, what: str) -> Broken:
        self._at = min(self._at, len(self._text))
        if not self._peek() and self._text.strip():
            what = f"It is cut short: {what[0].lower()}{what[1:]}"
        return Broken(what, *self._place())


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a field is given twice.")
    return found


def _none_of_json(name: str) -> float:
    raise ValueError(f"{name} is not a number of JSON.")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number is too large.")
    return number
