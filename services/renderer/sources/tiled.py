"""The reader of tiles that a configuration names: a folder, a file, a file on a server, or a server."""

from pathlib import Path
from typing import Protocol

from services.renderer.sources.address import Address
from services.renderer.sources.folder import Folder
from services.renderer.sources.form import VECTOR, Form
from services.renderer.sources.hosted import Hosted
from services.renderer.sources.mbtiles import MBTiles
from services.renderer.sources.pmtiles import PMTiles
from services.renderer.sources.source import Source, Unusable
from services.section import Keyed


class Named(Protocol):
    """A part of the configuration that says where tiles lie."""

    @property
    def tiles(self) -> str | None: ...
    @property
    def zoom(self) -> int | None: ...
    @property
    def attribution(self) -> str | None: ...
    @property
    def is_file(self) -> bool: ...
    @property
    def on_server(self) -> bool: ...


def key_of(part: Keyed, section: str) -> str | None:
    """The key of a part of the configuration; raises Unusable where one is named and not set."""
    key = part.key()
    if part.api_key is not None and key is None:
        raise Unusable(
            f"{part.key_variable()} is not set, so {section}.api_key in app_config.json has no key."
        )
    return key


def tiled(
    named: Named,
    key: str | None,
    beside: Path,
    kept: Path | None,
    *,
    schema: str | None = None,
    form: Form = VECTOR,
) -> Source:
    """The source of the tiles; raises Unusable.

    Relative paths are taken from `beside`; what servers gave is kept in `kept`.
    """
    assert named.tiles is not None
    zoom, attribution = named.zoom, named.attribution
    if named.on_server:
        if named.is_file:
            return Hosted(
                named.tiles, key, kept, zoom=zoom, attribution=attribution, schema=schema, form=form
            )
        assert zoom is not None
        thanks = attribution or ""
        return Address(named.tiles, key, kept, zoom=zoom, attribution=thanks, schema=schema, form=form)
    place = beside / named.tiles
    if place.suffix == ".mbtiles":
        return MBTiles(place, zoom=zoom, attribution=attribution, schema=schema, form=form)
    if place.suffix == ".pmtiles":
        return PMTiles(place, zoom=zoom, attribution=attribution, schema=schema, form=form)
    return Folder(str(place), zoom=zoom, attribution=attribution or "", schema=schema, form=form)
