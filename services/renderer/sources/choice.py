"""The source that a configuration names, opened."""

from pathlib import Path

from services.renderer.sources import google, ion
from services.renderer.sources.address import Address
from services.renderer.sources.cityjson import CityJSON
from services.renderer.sources.folder import Folder
from services.renderer.sources.footprints import Footprints
from services.renderer.sources.google import GoogleTiles
from services.renderer.sources.hosted import Hosted
from services.renderer.sources.ion import IonTiles
from services.renderer.sources.mbtiles import MBTiles
from services.renderer.sources.pmtiles import PMTiles
from services.renderer.sources.quota import Quota
from services.renderer.sources.sample import sample
from services.renderer.sources.source import Source, Unusable
from services.renderer.sources.tileserver import TileSetServer
from services.renderer.sources.tileset import TileSetFolder
from services.scene import Scene


def opened(scene: Scene, beside: Path, cities: Path, kept: Path | None) -> Source:
    """The source of a scene; raises Unusable.

    Relative paths are taken from `beside`, the sample from `cities`; what servers gave is kept in `kept`.
    """
    if scene.source == "san-francisco":
        return sample(cities)
    attribution = scene.attribution
    if scene.source == "geojson":
        assert scene.file is not None
        return Footprints(beside / scene.file, attribution=attribution or "")
    if scene.source == "cityjson":
        assert scene.file is not None
        return CityJSON(beside / scene.file, attribution=attribution or "")
    key = scene.key()
    if scene.api_key is not None and key is None:
        raise Unusable(f"{scene.key_variable()} is not set, so scene.api_key in app_config.json has no key.")
    if scene.source in ("3d-tiles", "google-3d-tiles", "cesium-ion"):
        return _tile_set(scene, beside, key, kept)
    assert scene.tiles is not None
    if scene.on_server:
        if scene.is_file:
            return Hosted(
                scene.tiles,
                key,
                kept,
                zoom=scene.zoom,
                attribution=attribution,
                schema=scene.tile_schema,
            )
        assert scene.zoom is not None
        return Address(
            scene.tiles,
            key,
            kept,
            zoom=scene.zoom,
            attribution=attribution or "",
            schema=scene.tile_schema,
        )
    place = beside / scene.tiles
    if place.suffix == ".mbtiles":
        return MBTiles(place, zoom=scene.zoom, attribution=attribution, schema=scene.tile_schema)
    if place.suffix == ".pmtiles":
        return PMTiles(place, zoom=scene.zoom, attribution=attribution, schema=scene.tile_schema)
    return Folder(str(place), zoom=scene.zoom, attribution=attribution or "", schema=scene.tile_schema)


def _tile_set(scene: Scene, beside: Path, key: str | None, kept: Path | None) -> Source:
    if scene.source == "3d-tiles":
        assert scene.tileset is not None
        if scene.on_server:
            return TileSetServer(scene.tileset, key, attribution=scene.attribution or "")
        return TileSetFolder(beside / scene.tileset, attribution=scene.attribution or "")
    assert key is not None
    count = kept / f"{scene.source}.sessions.json" if kept else None
    if scene.source == "google-3d-tiles":
        quota = Quota(count, scene.daily_sessions or google.DAILY_SESSIONS)
        return GoogleTiles(key, scene.endpoint, quota, kept / "google-3d-tiles.json" if kept else None)
    assert scene.asset is not None
    return IonTiles(
        scene.asset, key, scene.endpoint, Quota(count, scene.daily_sessions or ion.DAILY_SESSIONS)
    )
