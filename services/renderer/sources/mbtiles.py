"""Tiles in one SQLite file (MBTiles 1.3)."""

import contextlib
import json
import sqlite3
from pathlib import Path

from services.renderer.sources import version
from services.renderer.sources.form import VECTOR, Form
from services.renderer.sources.packed import BadContent
from services.renderer.sources.source import (
    Archive,
    Description,
    SourceFault,
    Tile,
    Unusable,
)
from services.tiling.grid import Range, tiles_under

PICTURES = ("png", "jpg", "jpeg", "webp")


class MBTiles(Archive):
    """A file `.mbtiles`, opened for reading only."""

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
        if not file.is_file():
            raise Unusable(f"{file} is not there; {form.section}.tiles in app_config.json names it.")
        try:
            self._database = sqlite3.connect(
                f"{file.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False
            )
            try:
                self._about = self._describe(zoom, attribution, schema)
            except Exception:
                self._database.close()
                raise
        except sqlite3.Error as error:
            raise Unusable(f"{file} is no MBTiles file that can be read ({error}).") from None

    async def close(self) -> None:
        with self._lock:
            self._database.close()

    def _tile(self, column: int, row: int, address: str) -> Tile | None:
        zoom = self._about.zoom
        try:
            with self._lock:
                found = self._database.execute(
                    "select tile_data from tiles where zoom_level = ? and tile_column = ? and tile_row = ?",
                    (zoom, column, _flipped(zoom, row)),
                ).fetchone()
            if found is None:
                return None
            return Tile(address, self._form.plain(bytes(found[0] or b"")), self._form.kind)
        except sqlite3.Error as error:
            raise SourceFault(address, f"the file cannot be read ({error})") from None
        except BadContent as error:
            raise SourceFault(address, str(error)) from None

    def _describe(self, zoom: int | None, attribution: str | None, schema: str | None) -> Description:
        said = {
            str(name): str(value)
            for name, value in self._database.execute("select name, value from metadata")
        }
        held = said.get("format", self._form.formats[0])
        if held not in self._form.formats:
            what = f"pictures ({held})" if held in PICTURES else f"tiles of another kind ({held})"
            raise Unusable(f"{self._file} holds {what}, not {self._form.name}.")
        chosen = zoom
        if chosen is None:
            chosen = self._database.execute("select max(zoom_level) from tiles").fetchone()[0]
        tiles = self._range(chosen, said.get("bounds", "")) if chosen is not None else None
        if chosen is None or tiles is None:
            raise Unusable(
                f"{self._file} has no tiles of zoom {zoom}; {self._form.section}.zoom in app_config.json "
                "names it."
            )
        return Description(
            said.get("name") or self._file.stem,
            said.get("attribution", "") if attribution is None else attribution,
            chosen,
            tiles,
            schema,
            _layers(said.get("json", "")),
            version=version.of_file(self._file),
        )

    def _range(self, zoom: int, bounds: str) -> Range | None:
        """The tiles that there are, or that the file's bounds promise: empty ground need not have any."""
        x0, x1, y0, y1 = self._database.execute(
            "select min(tile_column), max(tile_column), min(tile_row), max(tile_row) from tiles "
            "where zoom_level = ?",
            (zoom,),
        ).fetchone()
        if x0 is None:
            return None
        there = (x0, _flipped(zoom, y1), x1, _flipped(zoom, y0))
        with contextlib.suppress(ValueError):
            west, south, east, north = (float(value) for value in bounds.split(","))
            if -180 <= west < east <= 180 and -90 <= south < north <= 90:
                said = tiles_under(zoom, west, south, east, north)
                return (
                    min(there[0], said[0]),
                    min(there[1], said[1]),
                    max(there[2], said[2]),
                    max(there[3], said[3]),
                )
        return there


def _flipped(zoom: int, row: int) -> int:
    """MBTiles count rows from the south."""
    return (1 << zoom) - 1 - row


def _layers(text: str) -> tuple[str, ...]:
    try:
        return tuple(str(layer["id"]) for layer in json.loads(text)["vector_layers"])
    except (ValueError, LookupError, TypeError):
        return ()
