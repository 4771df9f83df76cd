"""One measured figure and whether it reaches its goal."""

import operator
from collections.abc import Callable
from dataclasses import asdict, dataclass

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
}


@dataclass(frozen=True)
class Figure:
    """What was measured. `goal` is like `>= 8`, or empty where nothing is to be reached."""

    name: str
    value: float
    unit: str
    goal: str = ""
    note: str = ""

    @property
    def ok(self) -> bool:
        """Whether the goal is reached; without a goal always."""
        if not self.goal:
            return True
        how, wanted = self.goal.split()
        return _COMPARE[how](self.value, float(wanted))

    def as_json(self) -> dict[str, object]:
        """The object that stands in latest.json."""
        return {**asdict(self), "value": round(self.value, 4), "ok": self.ok}
