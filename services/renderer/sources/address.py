"""Tiles from a server, by a template of addresses; what it gave is kept on disk."""

import asyncio
import time
from pathlib import Path
from urllib.parse import urlsplit

from services.renderer.sources import version
from services.renderer.sources.form import VECTOR, Form
from services.renderer.sources.kept import Kept, Shelf
from services.renderer.sources.server import Server, read, reason
from services.renderer.sources.source import Description, Source, SourceFault, Tile
from services.tiling.grid import Range

FRESH_SECONDS = 7 * 24 * 3_600.0
"""A kept tile that is younger is not asked for again; an older one only whether it has changed."""


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
        form: Form = VECTOR,
    ) -> None:
        self._form = form
        self._template = template
        self._key = key or ""
        # The key is no part of it: a new key brings the same tiles.
        self._shelf = Shelf(folder, template)
        last = (1 << zoom) - 1
        name = urlsplit(template).hostname or "tiles"
        self._about = Description(
            name, attribution, zoom, tiles or (0, 0, last, last), schema, version=version.of_server()
        )
        self._server = Server()
        self._proven = self._shelf.any()
        """Whether it ever gave a tile; before, one that is not found may mean that the address is wrong."""
        self._asking = 0
        self._answered = asyncio.Condition()

    def describe(self) -> Description:
        return self._about

    async def close(self) -> None:
        await self._server.close()

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
        address = self.address(column, row)
        kept = await asyncio.to_thread(self._shelf.get, zoom, column, row)
        if kept is None or time.time() - kept.at > FRESH_SECONDS:
            kept = await self._fetched(self._filled(column, row, self._key), address, kept)
            await asyncio.to_thread(self._shelf.put, zoom, column, row, kept)
        if kept.content is None:
            return None
        return Tile(address, kept.content, self._form.kind)

    async def _fetched(self, url: str, address: str, kept: Kept | None) -> Kept:
        found = await self._ask(url, address, kept)
        self._proven = self._proven or found.content is not None
        if found.content is None and not self._proven:
            await self._await_others()
            if not self._proven:
                raise SourceFault(
                    address,
                    "the server did not find it, nor any other tile yet; look at "
                    f"{self._form.section}.tiles and {self._form.section}.zoom",
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
        headers = {"Accept": self._form.accept}
        if kept is not None and kept.etag:
            headers["If-None-Match"] = kept.etag
        async with self._server.asked(url, address, headers) as answer:
            if answer.status == 304 and kept is not None:
                return Kept(kept.content, kept.etag, time.time())
            if answer.status in (204, 404, 410):
                return Kept(None, "", time.time())
            if answer.status != 200:
                raise SourceFault(address, reason(answer.status, self._form.section))
            plain = await asyncio.to_thread(self._form.plain, await read(answer, self._form.largest + 1))
            return Kept(plain, answer.headers.get("ETag", "")[:200], time.time())

    def address(self, column: int, row: int) -> str:
        # Keys are often put into a query; an address is shown without it.
        return self._filled(column, row, "…").partition("?")[0]

    def _filled(self, column: int, row: int, key: str) -> str:
        values = {"z": self._about.zoom, "x": column, "y": row, "key": key}
        filled = self._template
        for name, value in values.items():
            filled = filled.replace(f"{{{name}}}", str(value))
        return filled
