"""A key that cannot be shown by accident."""

from typing import NoReturn


class Secret:
    """Holds a key. Printing, formatting and logging it give `***`; it cannot be pickled or compared."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The key itself, for the one header that carries it."""
        return self._value

    def hide_in(self, text: str) -> str:
        """The text without the key, e.g. a provider's error that repeats it."""
        return text.replace(self._value, "***")

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not written down")
