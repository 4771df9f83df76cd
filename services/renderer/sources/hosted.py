"""A PMTiles file on a server, of which only the parts that are needed are asked for (RFC 9110, 14)."""

import asyncio
import re
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from pmtiles.tile import (
    Entry,
    MagicNumberNotFound,
    SpecVersionUnsupported,
    deserialize_directory,
    deserialize_header,
    find_tile,
    zxy_to_tileid,
)

from services.renderer.sources.form import VECTOR, Form
from services.renderer.sources.kept import Kept, Shelf
from services.renderer.sources.pmtiles import BROKEN, Header, check, described, metadata
from services.renderer.sources.server import Server, read, reason
from services.renderer.sources.source import Description, Source, SourceFault, Tile, Unusable

FIRST = 16_384
"""The header and the first directory lie within so many bytes."""
HEADER = 127
DEEPEST = 4
"""Directories that lead to a tile at most."""
DIRECTORIES = 256


class Hosted(Source):
    """`https://…/city.pmtiles`, with `{key}` where the key belongs, which is never shown.

    Places in the file are only good for the file they were read from: one that is another later is told by
    what the server calls its version, and nothing of it is drawn beside the first.
    """

    def __init__(
        self,
        address: str,
        key: str | None,
        folder: Path | None,
        *,
        zoom: int | None,
        attribution: str | None,
        schema: str | None = None,
        form: Form = VECTOR,
    ) -> None:
        self._form = form
        self._url = address.replace("{key}", key or "")
        self._name = address.replace("{key}", "…").partition("?")[0]
        self._address = address
        self._folder = folder
        self._wanted = (zoom, attribution, schema)
        self._server = Server()
        self._state = ""
        self._header: Header = {}
        self._about: Description | None = None
        self._shelf = Shelf(None, "")
        self._directories: dict[int, asyncio.Future[list[Entry]]] = {}

    async def open(self) -> None:
        try:
            await self._open()
        except Unusable:
            await self._server.close()
            raise

    async def _open(self) -> None:
        zoom, attribution, schema = self._wanted
        try:
            first = await self._part(self._name, 0, FIRST, least=HEADER)
            self._header = deserialize_header(first[:HEADER])
            check(self._name, self._header, zoom, self._form)
            offset, length = self._header["metadata_offset"], self._header["metadata_length"]
            said = metadata(self._header, await self._part(self._name, offset, length))
            about = described(self._header, said, zoom, attribution, schema)
        except SourceFault as fault:
            raise Unusable(f"{fault}. Look at {self._form.section}.tiles in app_config.json.") from None
        except (MagicNumberNotFound, SpecVersionUnsupported, *BROKEN):
            raise Unusable(f"{self._name} is no PMTiles file of version 3, or a broken one.") from None
        name = about.name or Path(urlsplit(self._name).path).stem
        self._about = replace(about, name=name, version=self._state[:60])
        # The key is no part of it: a new key brings the same tiles.
        self._shelf = Shelf(self._folder, f"{self._address} {self._state}")

    def describe(self) -> Description:
        assert self._about is not None, "opened"
        return self._about

    async def close(self) -> None:
        await self._server.close()

    async def tile(self, column: int, row: int) -> Tile | None:
        zoom = self.describe().zoom
        address = self.address(column, row)
        kept = await asyncio.to_thread(self._shelf.get, zoom, column, row)
        if kept is None:
            kept = Kept(await self._content(address, zoom, column, row), self._state, time.time())
            await asyncio.to_thread(self._shelf.put, zoom, column, row, kept)
        return None if kept.content is None else Tile(address, kept.content, self._form.kind)

    def address(self, column: int, row: int) -> str:
        return f"{self._name} {self.describe().zoom}/{column}/{row}"

    async def _content(self, address: str, zoom: int, column: int, row: int) -> bytes | None:
        try:
            found = await self._found(address, zxy_to_tileid(zoom, column, row))
        except BROKEN as error:
            raise SourceFault(address, f"the file is broken ({error})") from None
        if found is None:
            return None
        if found.length > self._form.largest:
            raise SourceFault(address, f"it is larger than {self._form.largest >> 20} MiB")
        return await self._part(
            address, self._header["tile_data_offset"] + found.offset, found.length, tile=True
        )

    async def _found(self, address: str, number: int) -> Entry | None:
        """Where a tile lies; None if the file has none."""
        offset, length = self._header["root_offset"], self._header["root_length"]
        for _ in range(DEEPEST):
            entry = find_tile(await self._directory(address, offset, length), number)
            if entry is None or entry.run_length:
                return entry
            offset, length = self._header["leaf_directory_offset"] + entry.offset, entry.length
        raise ValueError("its directories have no end")

    async def _directory(self, address: str, offset: int, length: int) -> list[Entry]:
        """A directory; those who want the same one ask for it once."""
        known = self._directories.pop(offset, None)
        if known is None or (known.done() and (known.cancelled() or known.exception())):
            known = asyncio.ensure_future(self._read_directory(address, offset, length))
        # The one used last is the last.
        self._directories[offset] = known
        for oldest in list(self._directories)[:-DIRECTORIES]:
            del self._directories[oldest]
        return await asyncio.shield(known)

    async def _read_directory(self, address: str, offset: int, length: int) -> list[Entry]:
        found: list[Entry] = deserialize_directory(await self._part(address, offset, length))
        return found

    async def _part(
        self, address: str, offset: int, length: int, *, least: int | None = None, tile: bool = False
    ) -> bytes:
        """So many bytes of the file, unpacked if they are a tile; raises SourceFault."""
        headers = {"Range": f"bytes={offset}-{offset + length - 1}", "Accept-Encoding": "identity"}
        async with self._server.asked(self._url, address, headers) as answer:
            if answer.status == 200:
                raise SourceFault(address, "the server does not give parts of a file, which this needs")
            if answer.status == 416:
                raise SourceFault(address, f"the file ends before byte {offset + length}")
            if answer.status != 206:
                raise SourceFault(address, reason(answer.status, self._form.section))
            span = re.match(r"bytes (\d+)-\d*/(\d+|\*)", answer.headers.get("Content-Range", ""))
            if span is None or int(span[1]) != offset:
                raise SourceFault(address, "the server gives another part of the file than it was asked for")
            self._same(
                address,
                answer.headers.get("ETag") or answer.headers.get("Last-Modified") or span[2].strip("*"),
            )
            content = await read(answer, length)
            if len(content) < (length if least is None else least):
                raise SourceFault(address, f"the file ends before byte {offset + length}")
            return await asyncio.to_thread(self._form.plain, content) if tile else content

    def _same(self, address: str, state: str) -> None:
        """Raise SourceFault if the file is another than at the start."""
        self._state = self._state or state
        if state and state != self._state:
            raise SourceFault(
                address, "the file on the server is another now; restart the renderer to draw from it"
            )
