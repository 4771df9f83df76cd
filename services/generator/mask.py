"""The mask: which pixels of the template a model is to paint, for those that want to be told."""

import numpy as np

from services.generator.compose import Template
from services.png import Prediction, png
from services.tiling.quadrant import WINDOW


def white(template: Template) -> bytes:
    """A grey PNG file that is white where the model paints, as most servers read a mask."""
    mask = np.zeros((WINDOW, WINDOW), np.uint8)
    mask[template.box.top : template.box.bottom, template.box.left : template.box.right] = 255
    return png(mask, Prediction.NONE)


def clear(template: Template) -> bytes:
    """An RGBA PNG file that is transparent where the model paints, as OpenAI and ComfyUI read a mask."""
    mask = np.zeros((WINDOW, WINDOW, 4), np.uint8)
    mask[..., 3] = 255
    mask[template.box.top : template.box.bottom, template.box.left : template.box.right, 3] = 0
    return png(mask, Prediction.NONE)
