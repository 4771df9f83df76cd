"""docs/faults.md names every fault once, and nothing that does not exist."""

import re
from pathlib import Path

from services.drill.faults import draw

TREE = Path(__file__).resolve().parents[2]
ROWS = [
    line.split("|")[1:-1]
    for line in (TREE / "docs" / "faults.md").read_text().splitlines()
    if line[:3] == "| F"
]


def test_every_fault_has_its_row() -> None:
    assert [row[0].strip() for row in ROWS] == [f"F{number}" for number in range(1, 41)]
    assert all(len(row) == 4 and row[2].strip() for row in ROWS)


def test_what_a_row_names_exists() -> None:
    kinds = {fault.kind for fault in draw(1, jobs=100, faults=100, kills=20, stops=20, lease_seconds=1.0)}
    for number, *_, shown in ROWS:
        named = re.findall(r"`([^`]+)`", shown)
        assert named, f"{number} names nothing"
        for name in named:
            if name.startswith("drill: "):
                assert name.removeprefix("drill: ") in kinds, name
            else:
                file, _, test = name.partition("::")
                assert re.search(rf"def {test}\(", (TREE / file).read_text()), name
