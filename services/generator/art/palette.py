"""The map's palette: made once from the first renders, kept with the map, used for every quadrant.

Most colours come from k-means in OKLab over the graded cells of a ramp, some are kept for bright hues that
are too rare to get one that way: without them small cars and autumn trees lose their colour.
"""

import io
import random
import zipfile
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.generator.art import oklab
from services.generator.art.ramp import ACCENTS, BASIC, COMMON, ENOUGH, RAMPS, REST

LEVELS = 64
"""Steps of each channel in the look-up table and in the counts."""
SHIFT = 2
ROUNDS = 24
SEED = 20_240
RARE = 12
"""Cells that must share a hue before it can become an accent: fewer are noise."""
DARK = 0.45
"""Hues below this lightness are lost among outlines anyway."""


class BadPalette(ValueError):
    """Raised when a stored palette cannot be read."""


@dataclass(frozen=True)
class Palette:
    """The colours and, by ramp and for each of 64³ colours, the place of the ramp's nearest one in OKLab."""

    colours: NDArray[np.uint8]
    table: NDArray[np.uint8]

    def dump(self) -> bytes:
        """The palette as the bytes of an npz file; equal palettes give equal bytes."""
        file = io.BytesIO()
        np.savez_compressed(file, colours=self.colours, table=self.table)
        return file.getvalue()

    @staticmethod
    def load(content: bytes) -> "Palette":
        """The palette in an npz file; raises BadPalette if it holds none."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as file:
                colours, table = file["colours"], file["table"]
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise BadPalette("It is no npz file with colours and a table.") from error
        fits = colours.ndim == 2 and colours.shape[1] == 3 and 1 <= len(colours) <= 256
        # Maps begun before there were ramps have one table; all their surfaces go on sharing it.
        known = table.shape in ((LEVELS**3,), (RAMPS, LEVELS**3))
        if not fits or colours.dtype != np.uint8 or table.dtype != np.uint8 or not known:
            raise BadPalette("Its colours or its table have the wrong shape.")
        table = np.ascontiguousarray(np.broadcast_to(table, (RAMPS, LEVELS**3)))
        if int(table.max()) >= len(colours):
            raise BadPalette("Its table names a colour that it does not have.")
        return Palette(colours, table)


def bins(colour: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Where each colour of three planes stands in the table."""
    red, green, blue = (plane.astype(np.int32) >> SHIFT for plane in colour)
    places: NDArray[np.int32] = (red * LEVELS + green) * LEVELS + blue
    return places


def none() -> NDArray[np.int64]:
    """The counts of nothing, to add others to."""
    return np.zeros((RAMPS, LEVELS**3), np.int64)


def count(colour: NDArray[np.uint8], ramp: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often each of the 64³ colours occurs in each ramp. Counts add up to the same whatever the order."""
    places = bins(colour) + ramp * np.int32(LEVELS**3)
    counts = np.bincount(places.ravel(), minlength=RAMPS * LEVELS**3).astype(np.int64)
    return counts.reshape(RAMPS, LEVELS**3)


def make(counts: NDArray[np.int64]) -> Palette:
    """The palette for these counts; the same counts always give the same palette."""
    if not counts.any():
        raise ValueError("A palette needs at least one colour.")
    ramps = [_ramp(number, counts[number]) for number in range(RAMPS)]
    table, first = [], 0
    for colours in ramps:
        # A map of water alone has no other colours; then each ramp has them all.
        table.append(_table(colours) + np.uint8(first) if len(colours) else None)
        first += len(colours)
    colours = np.concatenate(ramps)
    return Palette(colours, np.stack([_table(colours) if one is None else one for one in table]))


def _ramp(number: int, counts: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The colours of one ramp."""
    if number != REST and counts.sum() < ENOUGH:
        return np.frombuffer(bytes.fromhex(BASIC[number]), np.uint8).reshape(-1, 3)
    places = np.flatnonzero(counts)
    if not len(places):
        return np.zeros((0, 3), np.uint8)
    points = oklab.from_srgb(_centres(places))
    # The root keeps lawn and asphalt from taking most of the palette for shades nobody can tell apart.
    weights = np.sqrt(counts[places].astype(np.float64))
    centres = _means(points, weights, COMMON[number])
    accents = _accents(points, counts[places], centres, ACCENTS[number])
    return oklab.to_srgb(np.concatenate([centres, accents]))


def _centres(places: NDArray[np.int64]) -> NDArray[np.float64]:
    steps = np.stack([places // LEVELS**2, places // LEVELS % LEVELS, places % LEVELS], axis=1)
    return steps.astype(np.float64) * 255.0 / (LEVELS - 1)


def _square_distance(points: NDArray[np.float64], centre: NDArray[np.float64]) -> NDArray[np.float64]:
    light, a, b = points[:, 0] - centre[0], points[:, 1] - centre[1], points[:, 2] - centre[2]
    distance: NDArray[np.float64] = light * light + a * a + b * b
    return distance


def _nearest(
    points: NDArray[np.float64], centres: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """For each point the first of the nearest centres, and the square of the way there."""
    best = _square_distance(points, centres[0])
    which = np.zeros(len(points), np.intp)
    for index in range(1, len(centres)):
        distance = _square_distance(points, centres[index])
        closer = distance < best
        best[closer] = distance[closer]
        which[closer] = index
    return which, best


def _means(points: NDArray[np.float64], weights: NDArray[np.float64], number: int) -> NDArray[np.float64]:
    """k-means, begun as k-means++ (Arthur and Vassilvitskii, 2007) with a fixed seed."""
    chance = random.Random(SEED)
    chosen = [int(np.argmax(weights))]
    best = _square_distance(points, points[chosen[0]])
    while len(chosen) < min(number, len(points)):
        climb = np.cumsum(best * weights)
        index = min(int(np.searchsorted(climb, chance.random() * climb[-1], side="right")), len(points) - 1)
        chosen.append(index)
        best = np.minimum(best, _square_distance(points, points[index]))
    centres = points[chosen]
    for _ in range(ROUNDS):
        which, _ = _nearest(points, centres)
        mass = np.bincount(which, weights=weights, minlength=len(centres))
        moved = np.stack(
            [
                np.bincount(which, weights=weights * points[:, axis], minlength=len(centres))
                for axis in range(3)
            ],
            axis=1,
        )
        held = mass > 0
        centres = np.where(held[:, None], moved / np.where(held, mass, 1.0)[:, None], centres)
    return centres


def _accents(
    points: NDArray[np.float64], counts: NDArray[np.int64], centres: NDArray[np.float64], number: int
) -> NDArray[np.float64]:
    """The colours that are bright and far from every centre, the worst served first."""
    _, best = _nearest(points, centres)
    chroma = np.sqrt(points[:, 1] * points[:, 1] + points[:, 2] * points[:, 2])
    accents = []
    for _ in range(min(number, len(points))):
        merit = np.sqrt(best) * chroma
        merit[(counts < RARE) | (points[:, 0] < DARK)] *= 0.1
        index = int(np.argmax(merit))
        accents.append(points[index])
        best = np.minimum(best, _square_distance(points, points[index]))
    return np.array(accents).reshape(-1, 3)


def _table(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    places = np.arange(LEVELS**3, dtype=np.int64)
    which, _ = _nearest(oklab.from_srgb(_centres(places)), oklab.from_srgb(colours.astype(np.float64)))
    return which.astype(np.uint8)
