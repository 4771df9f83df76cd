"""Drafted jobs: what each job of a draft has for itself; the rest it shares with all others."""

from typing import NamedTuple

from protocol.message import JobKind, JobState
from services.keeper.lifecycle import Cells
from services.tiling.quadrant import FRAME, SIZE


def filled(corners: tuple[int, int, int, int]) -> Cells:
    """The quadrants of a whole rectangle, row by row."""
    left, top, right, bottom = corners
    return tuple([(x, y) for y in range(top, bottom + 1) for x in range(left, right + 1)])


class Drafted(NamedTuple):
    """A model call, or the palette."""

    step: str
    kind: JobKind
    state: JobState
    quadrants: Cells
    padding: Cells = ()
    scaffold: Cells = ()
    x: int = 0
    y: int = 0
    model_id: str = ""
    prompt: str = ""
    negative_prompt: str = ""
    layer: str = ""
    input_layer: str = ""
    candidate: bool = False
    seed: int | None = None


class _Frame(NamedTuple):
    step: str
    x: int
    y: int
    state: JobState


class DraftedRender(_Frame):
    """The render of one frame: large plans have so many that what can be told is not kept."""

    __slots__ = ()
    kind: JobKind = "render"
    padding: Cells = ()
    scaffold: Cells = ()
    model_id = prompt = negative_prompt = layer = input_layer = ""
    candidate = False
    seed = None

    @property
    def quadrants(self) -> Cells:
        """The quadrants cut from the frame, row by row."""
        x, y = self.x // SIZE, self.y // SIZE
        return filled((x, y, x + FRAME - 1, y + FRAME - 1))
