"""World cells: each takes on the object that most of its samples show, and only that object's colour."""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

KEY_MASK = np.uint32(0xFFFFFF)
"""The bytes of a tag that say whose a sample is: object id and material. The fourth is the normal code."""
PAIRS_UP_TO = 16
"""Samples of a cell that are compared pair by pair."""

Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True)
class Cells:
    """A rectangle of cells. `tag` holds the object plane's bytes R, G, B, A from low to high."""

    colour: NDArray[np.uint8]
    """Three planes."""
    tag: NDArray[np.uint32]
    depth: NDArray[np.int32]
    """In 1/256 m along the view axis; larger is farther."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.tag.shape[0], self.tag.shape[1]

    def cut(self, top: int, left: int, bottom: int, right: int) -> "Cells":
        """A part of the rectangle, without copying."""
        rows, columns = slice(top, bottom), slice(left, right)
        return Cells(self.colour[:, rows, columns], self.tag[rows, columns], self.depth[rows, columns])

    def paste(self, other: "Cells", top: int, left: int) -> None:
        """Write another rectangle into this one."""
        height, width = other.shape
        rows, columns = slice(top, top + height), slice(left, left + width)
        self.colour[:, rows, columns] = other.colour
        self.tag[rows, columns] = other.tag
        self.depth[rows, columns] = other.depth

    @staticmethod
    def blank(height: int, width: int) -> "Cells":
        """Cells to paste into."""
        return Cells(
            np.zeros((3, height, width), np.uint8),
            np.zeros((height, width), np.uint32),
            np.zeros((height, width), np.int32),
        )


def vote(colour: NDArray[np.uint8], objects: NDArray[np.uint8], depth: NDArray[np.int32], cell: int) -> Cells:
    """Let the samples of each cell vote on (object, material); a tie goes to the one with the nearest sample.

    Depth and normal are those of the majority's nearest sample, the colour is the mean of its samples.
    Height and width are whole cells, counted from a world pixel where a cell begins.
    """
    tags = np.ascontiguousarray(objects).view("<u4")[..., 0].astype(np.uint32, copy=False)
    if cell == 1:
        planes = np.ascontiguousarray(np.moveaxis(colour, -1, 0))
        return Cells(planes, tags.copy(), depth.astype(np.int32))
    height, width = tags.shape[0] // cell, tags.shape[1] // cell
    samples = cell * cell
    tag = _by_sample(tags, cell)
    key = tag & KEY_MASK
    far = _by_sample(depth, cell)
    shade = np.ascontiguousarray(
        colour.reshape(height, cell, width, cell, 3).transpose(1, 3, 4, 0, 2)
    ).reshape(samples, 3, height, width)

    # One number to compare by: votes in the upper bits, nearness in the lower 24.
    votes: NDArray[Any] = _votes(key).astype(np.int64 if samples > 64 else np.int32)
    score = (votes << 24) | (0xFFFFFF - far)
    best, winner = score[0], tag[0]
    for index in range(1, samples):
        better = score[index] > best
        best = np.where(better, score[index], best)
        winner = np.where(better, tag[index], winner)
    total = np.zeros((3, height, width), np.uint16)
    mine = winner & KEY_MASK
    for index in range(samples):
        total += shade[index] * (key[index] == mine)
    count = (best >> 24).astype(np.float32)
    mean = (total.astype(np.float32) / count + np.float32(0.5)).astype(np.uint8)
    return Cells(mean, winner, (0xFFFFFF - (best & 0xFFFFFF)).astype(np.int32))


def _by_sample(plane: NDArray[Number], cell: int) -> NDArray[Number]:
    """One plane of cells for each place that a sample has in its cell."""
    height, width = plane.shape[0] // cell, plane.shape[1] // cell
    split = plane.reshape(height, cell, width, cell).transpose(1, 3, 0, 2)
    return np.ascontiguousarray(split).reshape(cell * cell, height, width)


def _votes(key: NDArray[np.uint32]) -> NDArray[np.uint16]:
    """For every sample, how many of its cell's samples agree with it, itself included."""
    if len(key) > PAIRS_UP_TO:
        return _votes_by_sorting(key)
    votes = np.ones(key.shape, np.uint16)
    for first in range(len(key)):
        for second in range(first + 1, len(key)):
            equal = key[first] == key[second]
            votes[first] += equal
            votes[second] += equal
    return votes


def _votes_by_sorting(key: NDArray[np.uint32]) -> NDArray[np.uint16]:
    """The same; the number of pairs grows with the fourth power of a cell's side, this with the square."""
    samples = len(key)
    flat = key.reshape(samples, -1).T
    order = np.argsort(flat, axis=1, kind="stable")
    ordered = np.take_along_axis(flat, order, axis=1)
    begins = np.ones(ordered.shape, bool)
    begins[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    run = np.cumsum(begins.ravel()) - 1
    lengths = np.bincount(run).astype(np.uint16)
    votes = np.empty(flat.shape, np.uint16)
    np.put_along_axis(votes, order, lengths[run].reshape(flat.shape), axis=1)
    return np.ascontiguousarray(votes.T).reshape(key.shape)
