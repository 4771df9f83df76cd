"""Lookouts: what changes on ground while somebody plans on it who does not look at all of it again. Pure."""

Cell = tuple[int, int]
Box = tuple[int, int, int, int]

NOWHERE: Box = (0, 0, -1, -1)


class Lookout:
    """Quadrants of a box in a layer that were finished or taken off since it is watched; it may name more."""

    def __init__(self) -> None:
        self.box = NOWHERE
        self.layer = ""
        self.changed: set[Cell] = set()

    def watch(self, box: Box, layer: str) -> None:
        """Begin anew."""
        self.box, self.layer, self.changed = box, layer, set()

    def note(self, layer: str, x: int, y: int) -> None:
        """Something was laid or lifted there, in a transaction that may still come to nothing."""
        x0, y0, x1, y1 = self.box
        if layer == self.layer and x0 <= x <= x1 and y0 <= y <= y1:
            self.changed.add((x, y))
