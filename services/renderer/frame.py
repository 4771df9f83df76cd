"""One drawn frame: three planes of pixels, checked, and cut into the PNG files of its quadrants."""

import mmap
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocol.message import Layer
from services.png import Prediction, png
from services.tiling.quadrant import Box, box

PLANES = 3
CHANNELS = 4

Plane = NDArray[np.uint8]


class BadFrame(Exception):
    """Raised when what the page sent cannot be the frame that was asked for."""


@dataclass(frozen=True)
class Frame:
    """World pixels `pixels` as planes of RGBA rows from top to bottom."""

    pixels: Box
    colour: Plane
    object: Plane
    depth: Plane
    source: str = ""
    """What drew it."""

    @classmethod
    def read(cls, content: bytes | memoryview, pixels: Box, scene: Box | None, source: str = "") -> "Frame":
        """The frame in the bytes; raises BadFrame if they are not one, or blank inside the scene.

        A lost WebGL context reads back as zeros; the page writes 255 behind every depth, so a single pixel
        that was never written shows. One without its geometry is cleared and empty, and nothing is drawn at
        the depth 0 all over: bare ground seen straight from above has one depth, too, but another.
        """
        width, height = pixels.right - pixels.left, pixels.bottom - pixels.top
        if len(content) != size(width, height):
            raise BadFrame(f"the page sent {len(content)} bytes, not {size(width, height)}")
        planes = np.frombuffer(content, np.uint8).reshape(PLANES, height, width, CHANNELS)
        frame = cls(pixels, planes[0], planes[1], planes[2], source)
        # As numbers of four bytes, of which the last comes first: a tenth of the work.
        depths = frame.depth.view("<u4")
        if int(np.bitwise_and.reduce(depths, axis=None)) >> 24 != 255:
            raise BadFrame("the page sent pixels that were never drawn")
        if scene and height > 1 and _meet(pixels, scene) and int(depths.max()) == 255 << 24:
            raise BadFrame("the page sent a blank frame of ground that has a scene")
        return frame

    def differing(self, other: "Frame") -> int:
        """World pixels of both frames that are not alike in every plane."""
        here, there = self.pixels, other.pixels
        both = Box(
            max(here.left, there.left),
            max(here.top, there.top),
            min(here.right, there.right),
            min(here.bottom, there.bottom),
        )
        if both.left >= both.right or both.top >= both.bottom:
            return 0
        unlike = [
            (_part(mine, here, both) != _part(its, there, both)).any(axis=2)
            for mine, its in (
                (self.colour, other.colour),
                (self.object, other.object),
                (self.depth, other.depth),
            )
        ]
        return int((unlike[0] | unlike[1] | unlike[2]).sum())

    def tiles(self, quadrants: Sequence[tuple[int, int]]) -> list[tuple[Layer, int, int, bytes]]:
        """Every layer of every quadrant as a PNG file; raises BadFrame for one outside the frame."""
        made: list[tuple[Layer, int, int, bytes]] = []
        for x, y in quadrants:
            cut = box((x, y))
            if not _holds(self.pixels, cut):
                raise BadFrame(f"quadrant ({x}, {y}) is not in the frame at {self.pixels[:2]}")
            rows = slice(cut.top - self.pixels.top, cut.bottom - self.pixels.top)
            columns = slice(cut.left - self.pixels.left, cut.right - self.pixels.left)
            made.append(("render", x, y, png(self.colour[rows, columns, :3], Prediction.NONE)))
            made.append(("object", x, y, png(self.object[rows, columns], Prediction.LEFT)))
            made.append(("depth", x, y, png(self.depth[rows, columns, :3], Prediction.ABOVE)))
        return made


def size(width: int, height: int) -> int:
    """The bytes of a frame."""
    return PLANES * CHANNELS * width * height


def room(length: int) -> memoryview:
    """Memory for so many bytes, which goes back to the system with the last frame in it.

    From malloc it would not: of a block that large glibc takes the next ones from the heap of the thread that
    asks, and every heap of every thread in turn keeps what one frame or two have left.
    """
    memory = mmap.mmap(-1, length, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if sys.platform == "linux":
        # Half the time of small pages; a kernel without large ones refuses.
        with suppress(OSError):
            memory.madvise(mmap.MADV_HUGEPAGE)
    return memoryview(memory)


def _part(plane: Plane, whole: Box, part: Box) -> Plane:
    rows = slice(part.top - whole.top, part.bottom - whole.top)
    return plane[rows, part.left - whole.left : part.right - whole.left]


def _meet(a: Box, b: Box) -> bool:
    return a.left < b.right and b.left < a.right and a.top < b.bottom and b.top < a.bottom


def _holds(outer: Box, inner: Box) -> bool:
    return (
        outer.left <= inner.left
        and outer.top <= inner.top
        and inner.right <= outer.right
        and inner.bottom <= outer.bottom
    )
