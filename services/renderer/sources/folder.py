"""Tiles in a folder: one file for each, named by zoom, column and row."""

import asyncio
import contextlib
import re
from pathlib import Path

from services.renderer.sources.form import VECTOR, Form
from services.renderer.sources.packed import BadContent
from services.renderer.sources.source import Description, Source, SourceFault, Tile, Unusable
from services.renderer.sources.version import moment
from services.tiling.grid import Range


class Folder(Source):
    """Files such as `FOLDER/{z}/{x}/{y}.mvt`; the folder is looked through once, when it is opened."""

    def __init__(
        self,
        template: str,
        *,
        zoom: int | None,
        attribution: str,
        schema: str | None = None,
        name: str = "",
        version: str = "",
        form: Form = VECTOR,
    ) -> None:
        self._template = template
        self._form = form
        start = Path(template.partition("{z}")[0])
        self._root = start if template.partition("{z}")[0].endswith("/") else start.parent
        chosen, found = self._look(zoom)
        if not found:
            where = f" of zoom {zoom}" if zoom is not None else ""
            raise Unusable(
                f"There is no tile{where} at {template}, so nothing can be drawn. Look at "
                f"{form.section}.tiles and {form.section}.zoom in app_config.json."
            )
        self._zoom = chosen
        columns, rows = [x for x, _ in found], [y for _, y in found]
        tiles: Range = (min(columns), min(rows), max(columns), max(rows))
        self._about = Description(
            name or self._root.name,
            attribution,
            chosen,
            tiles,
            schema,
            version=version or self._version(found),
        )

    def describe(self) -> Description:
        return self._about

    async def tile(self, column: int, row: int) -> Tile | None:
        file = Path(self.address(column, row))
        try:
            content = await asyncio.to_thread(_read, file, self._form.largest)
            if not content and self._form is VECTOR:
                raise BadContent("it is empty; ground without features has no file, or one with layers")
            plain = await asyncio.to_thread(self._form.plain, content)
            return Tile(str(file), plain, self._form.kind)
        except FileNotFoundError:
            if not self._root.is_dir():
                raise SourceFault(str(file), f"the folder {self._root} is not there any more") from None
            return None
        except OSError as error:
            raise SourceFault(str(file), f"it cannot be read ({error.strerror})") from None
        except BadContent as error:
            raise SourceFault(str(file), str(error)) from None

    def address(self, column: int, row: int) -> str:
        return str(Path(self._template.format(z=self._about.zoom, x=column, y=row)))

    def _version(self, found: list[tuple[int, int]]) -> str:
        """How many tiles there are, and when the newest of them was written."""
        files = (Path(self._template.format(z=self._zoom, x=x, y=y)) for x, y in found)
        with contextlib.suppress(OSError):
            return f"{len(found)} tiles to {moment(max(file.stat().st_mtime for file in files))}"
        return ""

    def _look(self, zoom: int | None) -> tuple[int, list[tuple[int, int]]]:
        """Every tile of a zoom, the largest if none is given."""
        below = self._template[len(self._template.partition("{z}")[0]) :]
        pattern = re.escape(below)
        for name in "zxy":
            pattern = pattern.replace(re.escape(f"{{{name}}}"), rf"(?P<{name}>\d+)")
        glob = re.sub(r"\{[zxy]\}", "*", below)
        prefix = self._template.partition("{z}")[0].removeprefix(f"{self._root}/").removeprefix("./")
        found: dict[int, list[tuple[int, int]]] = {}
        paths = self._root.glob(f"{prefix.rpartition('/')[2]}{glob}") if self._root.is_dir() else ()
        for path in paths:
            match = re.search(f"{pattern}$", path.as_posix())
            if match and zoom in (None, int(match["z"])):
                found.setdefault(int(match["z"]), []).append((int(match["x"]), int(match["y"])))
        best = max(found, default=0)
        return best, found.get(best, [])


def _read(file: Path, largest: int) -> bytes:
    with file.open("rb") as opened:
        return opened.read(largest + 1)
