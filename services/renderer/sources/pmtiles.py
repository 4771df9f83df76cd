"""Vector tiles in one file of Protomaps' making (PMTiles 3)."""

import struct
import zlib
from pathlib import Path

from pmtiles.reader import Reader
from pmtiles.tile import Compression, MagicNumberNotFound, SpecVersionUnsupported, TileType

from services.renderer.sources import version
from services.renderer.sources.source import Archive, Description, SourceFault, Tile, Unusable, tiles_under
from services.renderer.sources.vector import BadTile, unpacked

_BROKEN = (ValueError, LookupError, OSError, EOFError, OverflowError, struct.error, zlib.error)
"""All that the reader raises for a file that is broken."""
_DEGREES = 1e7
"""Places are whole numbers of this part of a degree."""


class PMTiles(Archive):
    """A file `.pmtiles`, read in place."""

    def __init__(
        self, file: Path, *, zoom: int | None, attribution: str | None, schema: str | None = None
    ) -> None:
        super().__init__(file)
        try:
            self._opened = file.open("rb")
        except OSError as error:
            raise Unusable(
                f"{file} cannot be read ({error.strerror}); scene.tiles in app_config.json names it."
            ) from None
        self._reader = Reader(self._bytes)
        try:
            self._about = self._describe(zoom, attribution, schema)
        except (MagicNumberNotFound, SpecVersionUnsupported, *_BROKEN):
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
            return None if content is None else Tile(address, unpacked(content))
        except BadTile as error:
            raise SourceFault(address, str(error)) from None
        except _BROKEN as error:
            raise SourceFault(address, f"the file is broken or cut short ({error})") from None

    def _bytes(self, offset: int, length: int) -> bytes:
        self._opened.seek(offset)
        found = self._opened.read(length)
        if len(found) < length:
            raise EOFError(f"it ends before byte {offset + length}")
        return found

    def _describe(self, zoom: int | None, attribution: str | None, schema: str | None) -> Description:
        header = self._reader.header()
        if header["tile_type"] != TileType.MVT:
            raise Unusable(f"{self._file} holds pictures, not vector tiles.")
        if header["tile_compression"] not in (Compression.NONE, Compression.GZIP):
            raise Unusable(f"{self._file} is packed in a way that is not read here; gzip is.")
        chosen = header["max_zoom"] if zoom is None else zoom
        if not header["min_zoom"] <= chosen <= header["max_zoom"]:
            raise Unusable(
                f"{self._file} has zooms {header['min_zoom']} to {header['max_zoom']}, not {chosen}; "
                "scene.zoom in app_config.json names it."
            )
        west, south = header["min_lon_e7"] / _DEGREES, header["min_lat_e7"] / _DEGREES
        east, north = header["max_lon_e7"] / _DEGREES, header["max_lat_e7"] / _DEGREES
        said = self._reader.metadata()
        return Description(
            str(said.get("name") or self._file.stem),
            str(said.get("attribution", "")) if attribution is None else attribution,
            chosen,
            tiles_under(chosen, west, south, east, north),
            schema,
            _layers(said),
            version=version.of_file(self._file),
        )


def _layers(said: dict[str, object]) -> tuple[str, ...]:
    listed = said.get("vector_layers")
    if not isinstance(listed, list):
        return ()
    return tuple(str(layer["id"]) for layer in listed if isinstance(layer, dict) and "id" in layer)
