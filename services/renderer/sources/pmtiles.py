"""Tiles in one file of Protomaps' making (PMTiles 3)."""

import gzip
import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pmtiles.reader import Reader
from pmtiles.tile import Compression, MagicNumberNotFound, SpecVersionUnsupported, TileType

from services.renderer.sources import version
from services.renderer.sources.form import VECTOR, Form
from services.renderer.sources.packed import BadContent
from services.renderer.sources.source import Archive, Description, SourceFault, Tile, Unusable
from services.tiling.grid import tiles_under

Header = Mapping[str, Any]

BROKEN = (ValueError, LookupError, OSError, EOFError, OverflowError, struct.error, zlib.error)
"""All that the reader raises for a file that is broken."""
PICTURES = (TileType.PNG, TileType.JPEG, TileType.WEBP, TileType.AVIF)
_DEGREES = 1e7
"""Places are whole numbers of this part of a degree."""


class PMTiles(Archive):
    """A file `.pmtiles`, read in place."""

    def __init__(
        self,
        file: Path,
        *,
        zoom: int | None,
        attribution: str | None,
        schema: str | None = None,
        form: Form = VECTOR,
    ) -> None:
        super().__init__(file, form)
        try:
            self._opened = file.open("rb")
        except OSError as error:
            raise Unusable(
                f"{file} cannot be read ({error.strerror}); {form.section}.tiles in app_config.json names it."
            ) from None
        self._reader = Reader(self._bytes)
        try:
            self._about = self._describe(zoom, attribution, schema)
        except (MagicNumberNotFound, SpecVersionUnsupported, *BROKEN):
            self._opened.close()
            raise Unusable(f"{file} is no PMTiles file of version 3, or it is cut short.") from None
        except Unusable:
            self._opened.close()
            raise

    async def close(self) -> None:
        with self._lock:
            self._opened.close()

    def _tile(self, column: int, row: int, address: str) -> Tile | None:
        zoom = self._about.zoom
        try:
            with self._lock:
                content = self._reader.get(zoom, column, row)
            if content is None:
                return None
            return Tile(address, self._form.plain(content), self._form.kind)
        except BadContent as error:
            raise SourceFault(address, str(error)) from None
        except BROKEN as error:
            raise SourceFault(address, f"the file is broken or cut short ({error})") from None

    def _bytes(self, offset: int, length: int) -> bytes:
        self._opened.seek(offset)
        found = self._opened.read(length)
        if len(found) < length:
            raise EOFError(f"it ends before byte {offset + length}")
        return found

    def _describe(self, zoom: int | None, attribution: str | None, schema: str | None) -> Description:
        header = self._reader.header()
        check(str(self._file), header, zoom, self._form)
        about = described(header, self._reader.metadata(), zoom, attribution, schema)
        return replace(about, name=about.name or self._file.stem, version=version.of_file(self._file))


def check(name: str, header: Header, zoom: int | None, form: Form = VECTOR) -> None:
    """Raise Unusable for a file that has no such tiles of the zoom, in a sentence that names the file."""
    if header["tile_type"] not in form.types:
        held = "pictures" if header["tile_type"] in PICTURES else "tiles of another kind"
        raise Unusable(f"{name} holds {held}, not {form.name}.")
    if header["tile_compression"] not in (Compression.NONE, Compression.GZIP):
        raise Unusable(f"{name} is packed in a way that is not read here; gzip is.")
    if zoom is not None and not header["min_zoom"] <= zoom <= header["max_zoom"]:
        raise Unusable(
            f"{name} has zooms {header['min_zoom']} to {header['max_zoom']}, not {zoom}; "
            f"{form.section}.zoom in app_config.json names it."
        )


def described(
    header: Header, said: dict[str, object], zoom: int | None, attribution: str | None, schema: str | None
) -> Description:
    """What a file says of itself in its header and its metadata."""
    chosen = header["max_zoom"] if zoom is None else zoom
    west, south = header["min_lon_e7"] / _DEGREES, header["min_lat_e7"] / _DEGREES
    east, north = header["max_lon_e7"] / _DEGREES, header["max_lat_e7"] / _DEGREES
    return Description(
        str(said.get("name") or ""),
        str(said.get("attribution", "")) if attribution is None else attribution,
        chosen,
        tiles_under(chosen, west, south, east, north),
        schema,
        _layers(said),
    )


def metadata(header: Header, content: bytes) -> dict[str, object]:
    """What the metadata of a file says; raises one of BROKEN."""
    packed = header["internal_compression"] == Compression.GZIP
    said = json.loads(gzip.decompress(content) if packed else content)
    return said if isinstance(said, dict) else {}


def _layers(said: dict[str, object]) -> tuple[str, ...]:
    listed = said.get("vector_layers")
    if not isinstance(listed, list):
        return ()
    return tuple(str(layer["id"]) for layer in listed if isinstance(layer, dict) and "id" in layer)
