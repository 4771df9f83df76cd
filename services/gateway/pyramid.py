"""The map from farther away: overview tiles composed from the quadrants below, and what is kept of them."""

import asyncio
import hashlib
import io
from collections.abc import Awaitable, Callable, Mapping

from PIL import Image

from protocol.control import GetMap, MapView
from protocol.errors import Code, ProtocolError
from protocol.message import COORDINATE_LIMIT, Layer
from protocol.work import Fetch, PixelRef, Pixels
from services.gateway.derived import Derived
from services.gateway.keeper import Keeper
from services.gateway.shelf import Picture, Shelf
from services.scene import Camera, Pass
from services.tiling.quadrant import SIZE

HIGHEST = 8
"""The farthest overview: one tile covers 256 × 256 quadrants."""
COMPOSERS = 2
_32_BITS = 0xFFFFFFFF

Versions = Mapping[tuple[int, int], int]
"""The version that stands at each quadrant of an area."""


class Overview:
    """One overview tile as it stands: which versions it is made of."""

    def __init__(
        self, layer: Layer, z: int, x: int, y: int, versions: Versions, shows: tuple[Pass, str] | None = None
    ) -> None:
        self.layer = layer
        self.shows = shows
        """The pass of the layer that is shown, and what it depends on besides the versions."""
        self.z, self.x, self.y = z, x, y
        self.versions = versions
        listed = " ".join(f"{i},{j}:{version}" for (i, j), version in sorted(versions.items()))
        name = " ".join(shows or (layer,))
        self.etag = hashlib.sha256(f"{name} {z} {x} {y} {listed}".encode()).hexdigest()

    @property
    def newest(self) -> int:
        """The newest version in it; every later commit makes a larger one."""
        return max(self.versions.values())

    @property
    def count(self) -> int:
        """How many quadrants it shows."""
        return len(self.versions)

    @property
    def blend(self) -> int:
        """A number of 32 bits made of all its versions: it changes when an older one comes back.

        While the newest version and the count stay, only what people bring back changes what is shown, so
        that with both of them this names it.
        """
        return sum(_scattered(version) for version in self.versions.values()) & _32_BITS

    def children(self) -> list[tuple[int, int, "Overview"]]:
        """The up to four tiles one step closer that show anything, each with its column and row."""
        span = 1 << (self.z - 1)
        parts: dict[tuple[int, int], dict[tuple[int, int], int]] = {}
        for (x, y), version in self.versions.items():
            parts.setdefault((x // span - 2 * self.x, y // span - 2 * self.y), {})[x, y] = version
        return [
            (column, row, self._closer(2 * self.x + column, 2 * self.y + row, part))
            for (column, row), part in sorted(parts.items())
        ]

    def _closer(self, x: int, y: int, part: Versions) -> "Overview":
        return Overview(self.layer, self.z - 1, x, y, part, self.shows)


class Pyramid:
    """Quadrants fetched from the keeper, and overviews composed of them in threads."""

    def __init__(self, keeper: Keeper, camera: Camera) -> None:
        self._keeper = keeper
        self._shelf = Shelf()
        self.derived = Derived(camera, self.current, self._shelf)
        self._making: dict[str, asyncio.Task[Picture]] = {}
        self._composers = asyncio.Semaphore(COMPOSERS)

    async def version(self, layer: Layer, x: int, y: int, version: int) -> Picture | None:
        """One version of a quadrant; None if there is none of that number there."""
        name = _name(layer, x, y, version)
        kept = self._shelf.get(name)
        if kept is None:
            await self._fetch(Fetch(layer=layer, versions=[version]))
            kept = self._shelf.get(name)
        return kept

    async def current(self, layer: Layer, x: int, y: int) -> Picture | None:
        """What stands at a quadrant now."""
        found = await self._fetch(Fetch(layer=layer, quadrants=[(x, y)]))
        return next((picture for ref, picture in found if (ref.x, ref.y) == (x, y)), None)

    async def overview(
        self, layer: Layer, z: int, x: int, y: int, shows: Pass | None = None
    ) -> Overview | None:
        """Which versions a tile is made of now; None if nothing stands there.

        A pass has those of the render, which is drawn and committed together with what the pass follows from.
        """
        versions: dict[tuple[int, int], int] = {}
        side = 1 << z
        await self._look(layer, x * side, y * side, side, versions)
        how = (shows, self.derived.camera.model_dump_json()) if shows else None
        return Overview(layer, z, x, y, versions, how) if versions else None

    async def picture(self, overview: Overview) -> Picture:
        """The overview's pixels; asked for twice at once they are made once."""
        kept = self._shelf.get(overview.etag)
        return kept or await self._once(overview.etag, lambda: self._make(overview))

    async def _make(self, overview: Overview) -> Picture:
        parts: list[tuple[int, int, bytes]] = []
        children = overview.children()
        if overview.z == 1 and not overview.shows:
            missing = [
                version
                for _, _, child in children
                for (x, y), version in child.versions.items()
                if self._shelf.get(_name(overview.layer, x, y, version)) is None
            ]
            if missing:
                await self._fetch(Fetch(layer=overview.layer, versions=missing))
        for column, row, child in children:
            # One after the other: a cold tile far out must not hold thousands of pictures at once.
            part = await (self._quadrant(child) if overview.z == 1 else self.picture(child))
            parts.append((column, row, part.png))
        async with self._composers:
            png = await asyncio.to_thread(compose, parts)
        picture = Picture(overview.etag, png)
        self._shelf.put(overview.etag, picture)
        return picture

    async def _quadrant(self, overview: Overview) -> Picture:
        ((x, y), version) = next(iter(overview.versions.items()))
        if overview.shows:
            source = await self.derived.source(x, y)
            found = await self.derived.picture(overview.shows[0], source, shown=True) if source else None
        else:
            found = await self.version(overview.layer, x, y, version)
        if found is None:
            raise ProtocolError(Code.UNKNOWN_TILE, f"Version {version} of {x},{y} is gone.")
        return found

    async def _once(self, name: str, make: Callable[[], Awaitable[Picture]]) -> Picture:
        task = self._making.get(name)
        if task is None:
            task = asyncio.ensure_future(make())
            self._making[name] = task
            task.add_done_callback(lambda done: self._made(name, done))
        # Shielded: the one who asked first may go while others wait for the same picture.
        return await asyncio.shield(task)

    def _made(self, name: str, task: asyncio.Task[Picture]) -> None:
        del self._making[name]
        if not task.cancelled():
            task.exception()

    async def _look(
        self, layer: Layer, x: int, y: int, side: int, versions: dict[tuple[int, int], int]
    ) -> None:
        bounds = (_within(x), _within(y), _within(x + side - 1), _within(y + side - 1))
        try:
            view = await self._keeper.ask(GetMap(bounds=bounds, jobs=False, layers=[layer]), MapView)
        except ProtocolError as error:
            if error.code is not Code.TOO_LARGE or side == 1:
                raise
            half = side // 2
            for i, j in ((0, 0), (half, 0), (0, half), (half, half)):
                await self._look(layer, x + i, y + j, half, versions)
            return
        versions.update({(t.x, t.y): t.version for t in view.tiles if t.version})

    async def _fetch(self, asked: Fetch) -> list[tuple[PixelRef, Picture]]:
        envelope = await self._keeper.exchange(asked)
        if not isinstance(envelope.body, Pixels):
            raise ProtocolError(Code.UNSUPPORTED_VERSION, f"fetch was answered by {envelope.body.TYPE}.")
        found = []
        for ref in envelope.body.tiles:
            picture = Picture(ref.sha256, envelope.attachments[ref.attachment])
            self._shelf.put(_name(ref.layer, ref.x, ref.y, ref.version), picture)
            found.append((ref, picture))
        return found


def compose(parts: list[tuple[int, int, bytes]]) -> bytes:
    """Four tiles (column, row, PNG) side by side at half their size; transparent where there is none.

    Averaged over 2 × 2 pixels. Quadrants are 512 px, so up to 256-fold no average crosses their edges
    and none mixes pixels with nothing.
    """
    sheet = Image.new("RGBA", (SIZE, SIZE))
    for column, row, png in parts:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
            half = picture.convert("RGBA").reduce(2)
        sheet.paste(half, (column * SIZE // 2, row * SIZE // 2))
    file = io.BytesIO()
    sheet.save(file, "PNG", compress_level=3)
    return file.getvalue()


def _scattered(version: int) -> int:
    """A version as 32 bits that have nothing to do with its neighbours'; web/studio computes the same."""
    bits = version * 0x9E3779B1 & _32_BITS
    bits = (bits ^ bits >> 15) * 0x85EBCA77 & _32_BITS
    return bits ^ bits >> 13


def _name(layer: str, x: int, y: int, version: int) -> str:
    return f"{layer} {x},{y} v{version}"


def _within(value: int) -> int:
    return max(-COORDINATE_LIMIT, min(COORDINATE_LIMIT, value))
