"""Vector tiles from a server, by a template of addresses; what it gave is kept on disk."""

import asyncio
import hashlib
import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from services.renderer.sources import version
from services.renderer.sources.source import Description, Range, Source, SourceFault, Tile
from services.renderer.sources.vector import LARGEST, BadTile, unpacked

TIMEOUT_SECONDS = 8.0
"""For one tile, waiting for its turn included: the page has the patience of a frame for it."""
AT_ONCE = 8
FRESH_SECONDS = 7 * 24 * 3_600.0
"""A kept tile that is younger is not asked for again; an older one only whether it has changed."""


@dataclass(frozen=True)
class Kept:
    """A tile on disk; no content says that the server has none."""

    content: bytes | None
    etag: str
    at: float


class Address(Source):
    """Tiles at `https://…/{z}/{x}/{y}.pbf`, with `{key}` where the key belongs, which is never shown."""

    def __init__(
        self,
        template: str,
        key: str | None,
        folder: Path | None,
        *,
        zoom: int,
        attribution: str,
        schema: str | None = None,
        tiles: Range | None = None,
    ) -> None:
        self._template = template
        self._key = key or ""
        # The key is no part of it: a new key brings the same tiles.
        mark = hashlib.sha256(template.encode()).hexdigest()[:16]
        self._folder = folder / mark if folder is not None else None
        last = (1 << zoom) - 1
        name = urlsplit(template).hostname or "tiles"
        self._about = Description(
            name, attribution, zoom, tiles or (0, 0, last, last), schema, version=version.of_server()
        )
        self._session: aiohttp.ClientSession | None = None
        self._proven = self._folder is not None and next(self._folder.rglob("*.tile"), None) is not None
        """Whether it ever gave a tile; before, one that is not found may mean that the address is wrong."""
        self._asking = 0
        self._answered = asyncio.Condition()

    def describe(self) -> Description:
        return self._about

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def tile(self, column: int, row: int) -> Tile | None:
        zoom = self._about.zoom
        self._asking += 1
        try:
            return await self._tile(zoom, column, row)
        finally:
            self._asking -= 1
            async with self._answered:
                self._answered.notify_all()

    async def _tile(self, zoom: int, column: int, row: int) -> Tile | None:
        # Keys are often put into a query; an address is shown without it.
        address = self._filled(column, row, "…").partition("?")[0]
        kept = await asyncio.to_thread(self._kept, column, row)
        if kept is None or time.time() - kept.at > FRESH_SECONDS:
            try:
                kept = await self._fetched(self._filled(column, row, self._key), address, kept)
            except TimeoutError:
                raise SourceFault(address, f"no answer within {TIMEOUT_SECONDS:g} s") from None
            except aiohttp.ClientPayloadError:
                raise SourceFault(address, "the answer was cut short") from None
            except (aiohttp.ClientError, OSError, ValueError) as error:
                raise SourceFault(address, f"it cannot be reached ({type(error).__name__})") from None
            except BadTile as error:
                raise SourceFault(address, str(error)) from None
            if self._folder is not None:
                await asyncio.to_thread(_write, self._file(zoom, column, row), kept)
        if kept.content is None:
            return None
        return Tile(address, kept.content)

    async def _fetched(self, url: str, address: str, kept: Kept | None) -> Kept:
        found = await self._ask(url, address, kept)
        self._proven = self._proven or found.content is not None
        if found.content is None and not self._proven:
            await self._await_others()
            if not self._proven:
                raise SourceFault(
                    address,
                    "the server did not find it, nor any other tile yet; look at scene.tiles and scene.zoom",
                )
        return found

    async def _await_others(self) -> None:
        """Wait until a tile was given, or nobody who asks for one can still be given it."""
        self._asking -= 1
        try:
            async with self._answered:
                self._answered.notify_all()
                await self._answered.wait_for(lambda: self._proven or not self._asking)
        finally:
            self._asking += 1

    async def _ask(self, url: str, address: str, kept: Kept | None) -> Kept:
        headers = {"If-None-Match": kept.etag} if kept is not None and kept.etag else {}
        async with self._opened().get(url, headers=headers, allow_redirects=False) as answer:
            if answer.status == 304 and kept is not None:
                return Kept(kept.content, kept.etag, time.time())
            if answer.status in (204, 404, 410):
                return Kept(None, "", time.time())
            if answer.status != 200:
                raise SourceFault(address, _reason(answer.status))
            content = await answer.content.read(LARGEST + 1)
            while len(content) <= LARGEST and (more := await answer.content.read(LARGEST + 1 - len(content))):
                content += more
            plain = await asyncio.to_thread(unpacked, content)
            return Kept(plain, answer.headers.get("ETag", "")[:200], time.time())

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=AT_ONCE),
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
                headers={
                    "User-Agent": "Tilewright",
                    "Accept": "application/vnd.mapbox-vector-tile, */*;q=0.1",
                },
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    def _filled(self, column: int, row: int, key: str) -> str:
        values = {"z": self._about.zoom, "x": column, "y": row, "key": key}
        filled = self._template
        for name, value in values.items():
            filled = filled.replace(f"{{{name}}}", str(value))
        return filled

    def _file(self, zoom: int, column: int, row: int) -> Path:
        assert self._folder is not None
        return self._folder / str(zoom) / str(column) / f"{row}.tile"

    def _kept(self, column: int, row: int) -> Kept | None:
        """The tile on disk; one that cannot be read counts as none."""
        if self._folder is None:
            return None
        try:
            head, _, content = self._file(self._about.zoom, column, row).read_bytes().partition(b"\n")
            said = json.loads(head)
            known = Kept(content if said["there"] else None, str(said["etag"]), float(said["at"]))
            if hashlib.sha256(content).hexdigest() != said["sha256"]:
                return None
        except (OSError, ValueError, LookupError, TypeError):
            return None
        return known


def _write(file: Path, kept: Kept) -> None:
    """Put a tile on disk, whole or not at all; a disk that does not take it only costs the next request."""
    content = kept.content or b""
    head = {
        "there": kept.content is not None,
        "etag": kept.etag,
        "at": kept.at,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(dir=file.parent)
        with os.fdopen(number, "wb") as opened:
            opened.write(json.dumps(head).encode() + b"\n" + content)
        os.replace(name, file)
    except OSError:
        return


def _reason(status: int) -> str:
    if status in (401, 403):
        return f"the server refused the key (status {status}); look at scene.api_key in app_config.json"
    if status == 429:
        return "the server takes no more requests for now (status 429)"
    if 300 <= status < 400:
        return (
            f"the server points elsewhere (status {status}), and that is not followed; name the right address"
        )
    return f"the server answered with status {status}"
