"""What a person hands to a command: a file or standard input, read no further than a limit."""

import sys


class Unreadable(ValueError):
    """Raised for what cannot be read or is too large; says so in one sentence."""


def name(file: str) -> str:
    """The file as sentences name it."""
    return "standard input" if file == "-" else file


def read(file: str, limit: int) -> bytes:
    """The content of the file, `-` being standard input; raises Unreadable."""
    if file == "-" and sys.stdin is None:
        raise Unreadable("Standard input is closed.")
    try:
        if file == "-":
            content = sys.stdin.buffer.read(limit + 1)
        else:
            with open(file, "rb") as opened:
                content = opened.read(limit + 1)
    except OSError as error:
        raise Unreadable(f"{name(file)} cannot be read: {error.strerror}.") from None
    except ValueError:
        # Python's own word for a NUL in a path.
        raise Unreadable("This is no name of a file.") from None
    if len(content) > limit:
        raise Unreadable(f"{name(file)} is larger than {limit >> 20} MiB.")
    return content
