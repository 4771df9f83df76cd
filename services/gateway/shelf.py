"""A shelf of pictures: those used last, up to a number of bytes."""

from collections import OrderedDict
from dataclasses import dataclass

KEPT_BYTES = 128 << 20


@dataclass(frozen=True)
class Picture:
    """A PNG and the name of exactly these pixels."""

    etag: str
    png: bytes


class Shelf:
    """Pictures used last, up to a number of bytes."""

    def __init__(self, limit_bytes: int = KEPT_BYTES) -> None:
        self.size = 0
        self._limit = limit_bytes
        self._kept: OrderedDict[str, Picture] = OrderedDict()

    def get(self, name: str) -> Picture | None:
        """The picture of that name, if it is still kept."""
        picture = self._kept.get(name)
        if picture is not None:
            self._kept.move_to_end(name)
        return picture

    def put(self, name: str, picture: Picture) -> None:
        """Keep a picture; what was used longest ago goes."""
        old = self._kept.pop(name, None)
        self.size += len(picture.png) - (len(old.png) if old else 0)
        self._kept[name] = picture
        while self.size > self._limit and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self.size -= len(oldest.png)
