"""A plan drawn in characters: each quadrant by the wave that fills it."""

from collections.abc import Collection

from rich.text import Text

from services.tiling.planning import Planning
from services.tiling.quadrant import Quadrant
from services.tiling.region import bounding

HEIGHT = 40
"""Rows of the tallest drawing."""

FREE, FINISHED, LEFT_OUT, SCAFFOLD, PADDING, REPAIRED, LATE = ".", "#", "x", "s", "p", "r", "+"
MEANING = {
    FINISHED: "finished",
    REPAIRED: "finished, drawn anew",
    SCAFFOLD: "scaffold, dropped at the end",
    PADDING: "padding, thrown away",
    LEFT_OUT: "left out",
}
STYLES = {
    "1": "bold bright_cyan",
    "2": "bright_blue",
    "3": "blue",
    FINISHED: "green",
    REPAIRED: "bold yellow",
    SCAFFOLD: "yellow",
    PADDING: "yellow",
    LEFT_OUT: "bold red",
    FREE: "dim",
}
LATER = "magenta"


def draw(
    planning: Planning, region: Collection[Quadrant], finished: Collection[Quadrant], columns: int
) -> Text | None:
    """The region row by row, or None if it does not fit into so many columns."""
    signs = _signs(planning)
    if not region and not signs:
        return None
    x0, y0, x1, y1 = bounding([*region, *signs])
    label = 2 + max(len(str(y0)), len(str(y1)))
    if y1 - y0 >= HEIGHT or label + 1 + 2 * (x1 - x0 + 1) > columns:
        return None
    drawing = Text(no_wrap=True)
    drawing.append(f"{'':{label}}  x = {x0} … {x1}\n", style="dim")
    for y in range(y0, y1 + 1):
        drawing.append(f"{y:>{label}} ", style="dim")
        for x in range(x0, x1 + 1):
            cell = Quadrant(x, y)
            sign = signs.get(cell) or (FINISHED if cell in finished else FREE)
            drawing.append(f" {sign}", style=STYLES.get(sign, LATER))
        drawing.append("\n")
    drawing.append("  " + _legend({*signs.values(), *([FINISHED] if set(region) & set(finished) else [])}))
    return drawing


def _signs(planning: Planning) -> dict[Quadrant, str]:
    signs = dict.fromkeys(planning.left_out, LEFT_OUT)
    for step in planning.steps:
        wave = str(step.wave) if step.wave < 10 else LATE
        signs |= dict.fromkeys(step.padding, PADDING)
        signs |= dict.fromkeys(step.scaffold, SCAFFOLD)
        signs |= dict.fromkeys(step.quadrants, wave)
    return signs | dict.fromkeys(planning.repaired, REPAIRED)


def _legend(used: set[str]) -> str:
    parts = ["1, 2, … waves"] if used - set(MEANING) else []
    parts += [f"{sign} {meaning}" for sign, meaning in MEANING.items() if sign in used]
    return " · ".join(parts)
