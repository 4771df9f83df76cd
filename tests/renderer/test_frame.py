"""Frames are checked before they are cut: what a page sends is not trusted."""

import io

import numpy as np
import pytest
from PIL import Image

from services.renderer.frame import BadFrame, Frame, size
from services.tiling.quadrant import Box, frame_box, frame_quadrants

HERE = frame_box((-1, 2))
SOMEWHERE_ELSE = Box(9_000, 9_000, 9_001, 9_001)


def planes() -> np.ndarray:
    made = np.random.default_rng(1).integers(0, 256, (3, 1024, 1024, 4), np.uint8)
    made[2, :, :, 3] = 255
    return made


def test_quadrants_are_cut_where_they_lie() -> None:
    sent = planes()
    tiles = Frame.read(sent.tobytes(), HERE, HERE).tiles(frame_quadrants((-1, 2)))
    assert len(tiles) == 12
    assert [tile[:3] for tile in tiles[:3]] == [("render", -2, 4), ("object", -2, 4), ("depth", -2, 4)]
    found = {tile[:3]: Image.open(io.BytesIO(tile[3])) for tile in tiles}
    assert np.array_equal(np.asarray(found["render", -1, 5]), sent[0, 512:, 512:, :3])
    assert np.array_equal(np.asarray(found["object", -2, 5]), sent[1, 512:, :512])
    assert np.array_equal(np.asarray(found["depth", -1, 4]), sent[2, :512, 512:, :3])
    assert {layer: image.mode for (layer, _, _), image in found.items()} == {
        "render": "RGB",
        "object": "RGBA",
        "depth": "RGB",
    }


def test_a_frame_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(BadFrame, match="12582911 bytes, not 12582912"):
        Frame.read(bytes(size(1024, 1024) - 1), HERE, HERE)


def test_one_pixel_that_was_never_drawn_is_noticed() -> None:
    sent = planes()
    sent[2, 1023, 1023] = 0
    with pytest.raises(BadFrame, match="never drawn"):
        Frame.read(sent.tobytes(), HERE, HERE)


def test_a_cleared_frame_is_blank_where_there_is_a_scene() -> None:
    sent = planes()
    sent[2] = (0, 0, 0, 255)
    with pytest.raises(BadFrame, match="blank"):
        Frame.read(sent.tobytes(), HERE, HERE)
    assert Frame.read(sent.tobytes(), HERE, SOMEWHERE_ELSE).pixels == HERE


def test_bare_ground_from_straight_above_is_not_blank() -> None:
    sent = planes()
    sent[2] = (64, 0, 0, 255)
    assert Frame.read(sent.tobytes(), HERE, HERE).pixels == HERE


def test_bare_ground_is_not_blank() -> None:
    sent = np.zeros((3, 1024, 1024, 4), np.uint8)
    sent[2, :, :, 1] = np.arange(1024).reshape(-1, 1) // 4
    sent[2, :, :, 3] = 255
    assert Frame.read(sent.tobytes(), HERE, HERE).pixels == HERE


def test_a_quadrant_outside_its_frame_is_refused() -> None:
    with pytest.raises(BadFrame, match=r"\(0, 0\) is not in the frame"):
        Frame.read(planes().tobytes(), HERE, HERE).tiles([(0, 0)])
