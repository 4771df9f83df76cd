"""3D Tiles: the files of a tile set, as its own addresses name them, given to the page one by one."""

import asyncio
import json
import struct
from abc import abstractmethod
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from services.renderer.sources.packed import BadContent, plain
from services.renderer.sources.source import Description, Source, SourceFault, Tile, Unusable
from services.renderer.sources.version import of_file

LARGEST = 256 << 20
"""Bytes of one file; those of a photographed city have a hundredth of it."""
MODELS = (b"glTF", b"b3dm", b"i3dm", b"cmpt", b"pnts")
"""What binary contents begin with; all of them say their length in bytes 8 to 11."""


UNREAD = {
    b'"implicitTiling"': "implicit tiling",
    b'"3DTILES_implicit_tiling"': "implicit tiling",
    b'"contents"': "tiles of several contents",
    b'"3DTILES_multiple_contents"': "tiles of several contents",
}
"""What tile sets may use and the page does not know, by their words for it."""


@dataclass(frozen=True)
class TileSetDescription(Description):
    """What the page must know before it asks for the root of a tile set."""

    root: str = "/tiles3d/tileset.json"
    """Where the page finds it."""
    shadows: bool = True
    """Whether the sun casts shadows in it; photographs have them already."""


@dataclass(frozen=True)
class Content:
    """One file and where it truly lies; the address has no key in it."""

    address: str
    content: bytes
    kind: str


class TileSet(Source):
    """Surfaces of the world in a tree of tiles, from coarse to fine, each in a file of its own."""

    _about: TileSetDescription

    def __init__(self) -> None:
        self._owners: Counter[str] = Counter()

    def describe(self) -> Description:
        return self._about

    @property
    def thanks(self) -> str:
        """Whom to thank for the tiles given so far, those with the most tiles first."""
        owners = [owner for owner, _ in self._owners.most_common() if owner != self._about.attribution]
        return ", ".join([*filter(None, [self._about.attribution]), *owners])

    async def give(self, path: str, query: str) -> Content:
        """The file that the page asks for as /tiles3d/PATH?QUERY; raises SourceFault."""
        found = await self.content(path, query)
        self._owners.update(owners(found.content))
        return found

    async def tile(self, column: int, row: int) -> Tile | None:
        """None: it has no footprints."""
        return None

    @abstractmethod
    async def content(self, path: str, query: str) -> Content:
        """The file itself; raises SourceFault."""


def described(name: str, attribution: str, root: str, *, shadows: bool, version: str) -> TileSetDescription:
    """What is said of a tile set whose root the page finds at /tiles3d/ROOT."""
    return TileSetDescription(
        name, attribution, 0, (0, 0, 0, 0), version=version, root=f"/tiles3d/{root}", shadows=shadows
    )


def checked(path: str, content: bytes) -> tuple[bytes, str]:
    """The file, unpacked if it was packed with gzip, and its type; raises BadContent if it is broken."""
    content = plain(content, LARGEST)
    if not content:
        raise BadContent("it is empty")
    if path.endswith(".json"):
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            raise BadContent("it is no JSON, or a broken one") from None
        if not isinstance(document, dict):
            raise BadContent("it is no tile set")
        # Left unread they would be drawn as empty ground.
        for mark, what in UNREAD.items():
            if mark in content:
                raise BadContent(f"it has {what}, which is not read here")
        return content, "application/json"
    if content[:4] in MODELS and (
        len(content) < 12 or struct.unpack_from("<I", content, 8)[0] > len(content)
    ):
        raise BadContent("it is cut short")
    if content[:1] == b"<":
        raise BadContent("it is a web page, and no part of a tile set")
    return content, "application/octet-stream"


def owners(content: bytes) -> set[str]:
    """Those whom a binary glTF names as the owners of what it shows, separated by semicolons."""
    if content[:4] != b"glTF" or len(content) < 20:
        return set()
    try:
        asset = json.loads(content[20 : 20 + struct.unpack_from("<I", content, 12)[0]])["asset"]
        said = str(asset.get("copyright", ""))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        # The page will say what is wrong with it.
        return set()
    return {name.strip()[:60] for name in said.split(";") if name.strip()}


class TileSetFolder(TileSet):
    """A file tileset.json and all that lies beside it and below."""

    def __init__(self, file: Path, *, attribution: str) -> None:
        super().__init__()
        root = file / "tileset.json" if file.is_dir() else file
        try:
            checked("tileset.json", _read(root))
        except OSError as error:
            raise Unusable(
                f"{root} cannot be read ({error.strerror}); scene.tileset in app_config.json names it."
            ) from None
        except BadContent as error:
            raise Unusable(f"{root} is no root of a tile set: {error}.") from None
        self._folder = root.parent.resolve()
        self._about = described(
            self._folder.name, attribution, root.name, shadows=True, version=of_file(root)
        )

    async def content(self, path: str, query: str) -> Content:
        file = (self._folder / path).resolve()
        if not file.is_relative_to(self._folder):
            raise SourceFault(path, f"it does not lie in {self._folder}")
        try:
            content, kind = checked(file.name, await asyncio.to_thread(_read, file))
        except OSError as error:
            raise SourceFault(str(file), f"it cannot be read ({error.strerror})") from None
        except BadContent as error:
            raise SourceFault(str(file), str(error)) from None
        return Content(str(file), content, kind)


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(LARGEST + 1)
