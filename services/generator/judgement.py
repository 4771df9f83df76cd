"""Judgement of an answer: whether it may go on the map, what of it, and how it meets its neighbours."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.generator import alignment, borders, drift
from services.generator.alignment import Shift
from services.generator.compose import Template, cut, encode
from services.generator.inspection import inspect
from services.generator.models import Picture
from services.model import Model
from services.task import TryFailed
from services.tiling.quadrant import WINDOW, Box

LOST = 8
"""So many pixels along an edge of the window may be made up where a picture was put back."""


@dataclass(frozen=True)
class Judged:
    """What goes on the map of one answer: a PNG file and a seam score for each quadrant."""

    files: list[bytes]
    seams: list[float | None]
    digest: str
    shift: Shift = (0, 0)
    changed: float = 0.0
    """The share of the surroundings that came back as something else."""

    @property
    def worst(self) -> float:
        """The highest seam score; 0 where no border was looked at."""
        return max((score for score in self.seams if score is not None), default=0.0)

    def told(self) -> str:
        """What a person should know of it, behind a comma; nothing if nothing was done to it."""
        right, down = self.shift
        put_back = f", put back by {-right},{-down} px" if self.shift != (0, 0) else ""
        return put_back + (f", {self.changed:.0%} of what surrounds it changed" if self.changed > 0 else "")


def judge(picture: Picture, template: Template, model: Model, quadrants: list[tuple[int, int]]) -> Judged:
    """Check, put back and cut an answer; raises TryFailed if it is of no use.

    Pixels that were made in this process are cut and no more: what makes them knows no seams.
    """
    if not isinstance(picture, bytes):
        if picture.shape != (WINDOW, WINDOW, 3):
            raise ValueError(f"an adapter gave pixels of the shape {picture.shape}")
        return Judged(_files(picture, template, quadrants), [None] * len(quadrants), template.digest)
    pixels = inspect(picture, resize=model.resize)
    if not template.context:
        return Judged(_files(pixels, template, quadrants), [None] * len(quadrants), template.digest)
    around, box = template.around(), template.box
    shift, changed = (0, 0), 0.0
    if model.drift_limit < 1 and not drift.untouched(around, pixels, alignment.surroundings(box)):
        pixels, shift, changed = _put_back(around, pixels, box, model)
    around[box.top : box.bottom, box.left : box.right] = pixels[box.top : box.bottom, box.left : box.right]
    seams = borders.seams(around, template.window, template.infill, quadrants)
    return Judged(_files(pixels, template, quadrants), seams, template.digest, shift, changed)


def _put_back(
    around: NDArray[np.uint8], pixels: NDArray[np.uint8], box: Box, model: Model
) -> tuple[NDArray[np.uint8], Shift, float]:
    """The picture where it belongs, by how much it had moved, and how much it has changed."""
    sent = alignment.grey(around)
    shift = alignment.shift(sent, alignment.grey(pixels), box)
    pixels = alignment.moved(pixels, shift)
    changed = drift.changed(sent, alignment.grey(pixels), box, shift)
    if changed > model.drift_limit:
        raise TryFailed(
            "bad_image",
            f"{model.name} did not keep what it was to match: {changed:.0%} of what surrounds the infill "
            f"came back as something else, and its drift_limit allows {model.drift_limit:.0%}.",
        )
    if (missing := alignment.lost(shift, box)) > LOST:
        raise TryFailed(
            "bad_image",
            f"{model.name} moved its picture so far that {missing} px of the infill are not in it.",
        )
    return pixels, shift, changed


def _files(pixels: NDArray[np.uint8], template: Template, quadrants: list[tuple[int, int]]) -> list[bytes]:
    return [encode(cut(pixels, template.window, quadrant)) for quadrant in quadrants]
