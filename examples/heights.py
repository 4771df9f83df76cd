"""Measures what stands on a quadrant from its passes: `python examples/heights.py ADDRESS X Y`.

ADDRESS is that of the studio, like http://127.0.0.1:8080; docs/passes.md says what the values mean. `passes`
in app_config.json must offer depth16, object_id and class. Needs Pillow and numpy.
"""

import io
import math
import sys
import urllib.error
import urllib.request

import numpy as np
from PIL import Image

BUILDING = 1
ELEVATION = -45.0
"""As under `camera` in app_config.json."""


def main() -> int:
    """Exit code: 0 measured, 1 refused, 2 wrong usage."""
    if len(sys.argv) != 4:
        print("usage: python examples/heights.py ADDRESS X Y", file=sys.stderr)
        return 2
    address, x, y = sys.argv[1:]

    def values(name: str) -> np.ndarray:
        with urllib.request.urlopen(f"{address.rstrip('/')}/tiles/{name}/0/{x}/{y}") as answer:
            return np.asarray(Image.open(io.BytesIO(answer.read())))

    try:
        depth, ids, classes = values("depth16"), values("object_id"), values("class")
    except urllib.error.URLError as error:
        said = error.read().decode() if isinstance(error, urllib.error.HTTPError) else error.reason
        print(f"refused: {said}", file=sys.stderr)
        return 1
    metres = depth / 64 * math.sin(math.radians(-ELEVATION))
    for building in np.unique(ids[classes == BUILDING]):
        here = (ids == building) & (classes == BUILDING)
        print(f"building {building}: {here.sum()} pixels, {metres[here].max():.1f} m high")
    return 0


if __name__ == "__main__":
    sys.exit(main())
