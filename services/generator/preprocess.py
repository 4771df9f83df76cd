"""Preprocessing: renders with less colour, other contrast or noise, so that a model does not copy them.

The same world pixel gets the same noise in every window, so a call that is made again shows the same.
"""

import numpy as np
from numpy.typing import NDArray

from services.model import Preprocess
from services.tiling.quadrant import Box

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""How bright the three colours are (ITU-R BT.601)."""
SPREAD = 147.8
"""The standard deviation of the sum of four bytes, which is nearly normal."""


def prepared(pixels: NDArray[np.uint8], world: Box, how: Preprocess) -> NDArray[np.uint8]:
    """The renders of a box of world pixels as the model is to see them."""
    wide = pixels.astype(np.float32)
    if how.desaturation:
        wide += how.desaturation * ((wide @ LUMA)[..., None] - wide)
    if how.gamma != 1:
        wide = np.float32(255) * np.power((wide / np.float32(255)).clip(0, 1), np.float32(how.gamma))
    if how.noise:
        wide += 255 * how.noise * _noise(world)[..., None]
    return (wide + 0.5).clip(0, 255).astype(np.uint8)


def _noise(world: Box) -> NDArray[np.float32]:
    """A number for each world pixel, around 0 with a standard deviation of 1."""
    columns = np.arange(world.left, world.right, dtype=np.int64).astype(np.uint32)
    rows = np.arange(world.top, world.bottom, dtype=np.int64).astype(np.uint32)
    mixed = (columns * np.uint32(0x9E3779B1))[None, :] ^ (rows * np.uint32(0x85EBCA77))[:, None]
    # The finalizer of MurmurHash3.
    mixed = (mixed ^ (mixed >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    mixed = (mixed ^ (mixed >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    mixed ^= mixed >> np.uint32(16)
    total = mixed.view(np.uint8).reshape(*mixed.shape, 4).sum(axis=-1, dtype=np.float32)
    noise: NDArray[np.float32] = (total - np.float32(510)) / np.float32(SPREAD)
    return noise
