"""Votes within a cell, drawn small."""

import numpy as np
import pytest
from numpy.typing import NDArray

from services.generator.art.cells import vote

HOUSE = (40, 1, 1, 22)
LAWN = (0, 21, 21, 0)
CAR = (5, 0, 33, 0)
THINGS = {"H": HOUSE, "L": LAWN, "C": CAR}


def scene(
    drawn: str, shades: str, depths: str
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int32]]:
    """Colours (grey), objects and depths from three drawings of the same size."""
    things = np.array([[THINGS[letter] for letter in row] for row in drawn.split()], np.uint8)
    grey = np.array([[int(digit) * 10 for digit in row] for row in shades.split()], np.uint8)
    far = np.array([[int(digit) * 100 for digit in row] for row in depths.split()], np.int32)
    return np.repeat(grey[..., None], 3, axis=2), things, far


def test_the_majority_takes_the_cell_and_its_colour_alone() -> None:
    cells = vote(*scene("HH LH", "24 96", "11 91"), 2)
    assert cells.tag.tobytes() == bytes(HOUSE)
    assert cells.colour.ravel().tolist() == [40, 40, 40]
    assert cells.depth.tolist() == [[100]]


@pytest.mark.parametrize(("depths", "winner"), [("55 44", CAR), ("33 44", LAWN), ("55 94", CAR)])
def test_a_tie_goes_to_the_nearest_sample(depths: str, winner: tuple[int, ...]) -> None:
    assert vote(*scene("LL CC", "11 77", depths), 2).tag.tobytes() == bytes(winner)


def test_three_against_one_beats_nearness() -> None:
    assert vote(*scene("LL LC", "11 17", "99 91"), 2).tag.tobytes() == bytes(LAWN)


def test_a_cell_of_one_keeps_everything() -> None:
    colour, objects, depth = scene("HL", "29", "13")
    cells = vote(colour, objects, depth, 1)
    assert cells.tag.tobytes() == bytes(HOUSE) + bytes(LAWN)
    assert cells.colour[0].tolist() == [[20, 90]]
    assert cells.depth.tolist() == [[100, 300]]


@pytest.mark.parametrize("cell", [2, 4, 8, 16])
def test_larger_cells_vote_as_slowly_counted(cell: int) -> None:
    chance = np.random.default_rng(cell)
    side = cell * 3
    objects = np.array([HOUSE, LAWN, CAR], np.uint8)[chance.integers(0, 3, (side, side))]
    colour = chance.integers(0, 256, (side, side, 3), np.uint8)
    depth = chance.permutation(side * side).reshape(side, side).astype(np.int32)
    cells = vote(colour, objects, depth, cell)
    for row in range(3):
        for column in range(3):
            at = (slice(row * cell, (row + 1) * cell), slice(column * cell, (column + 1) * cell))
            things = objects[at].reshape(-1, 4)
            far, shades = depth[at].ravel(), colour[at].reshape(-1, 3)
            ranks = {
                thing: (int((things == thing).all(1).sum()), -int(far[(things == thing).all(1)].min()))
                for thing in {tuple(thing) for thing in things.tolist()}
            }
            best = max(ranks, key=lambda thing: ranks[thing])
            mine = (things == best).all(1)
            assert cells.tag[row, column].tobytes() == bytes(best)
            assert cells.depth[row, column] == -ranks[best][1]
            mean = np.floor(shades[mine].mean(0) + 0.5)
            assert np.abs(cells.colour[:, row, column] - mean).max() <= 1
