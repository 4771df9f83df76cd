"""The source that a configuration names, opened."""

from pathlib import Path

from services.renderer.sources import google, ion
from services.renderer.sources.cityjson import CityJSON
from services.renderer.sources.elevation import Elevation
from services.renderer.sources.footprints import Footprints
from services.renderer.sources.google import GoogleTiles
from services.renderer.sources.ion import IonTiles
from services.renderer.sources.quota import Quota
from services.renderer.sources.relief import Relief
from services.renderer.sources.sample import sample
from services.renderer.sources.source import Source
from services.renderer.sources.tiled import key_of, tiled
from services.renderer.sources.tileserver import TileSetServer
from services.renderer.sources.tileset import TileSetFolder
from services.scene import Scene


def opened(scene: Scene, beside: Path, cities: Path, kept: Path | None) -> Source:
    """The source of a scene; raises Unusable.

    Relative paths are taken from `beside`, the sample from `cities`; what servers gave is kept in `kept`.
    """
    # What is wrong with the heights is said before footprints are read for them.
    elevation = Elevation(scene.terrain, beside, kept) if scene.terrain is not None else None
    source = _plain(scene, beside, cities, kept)
    return source if elevation is None else Relief(source, elevation)


def _plain(scene: Scene, beside: Path, cities: Path, kept: Path | None) -> Source:
    if scene.source == "san-francisco":
        return sample(cities)
    attribution = scene.attribution
    if scene.source == "geojson":
        assert scene.file is not None
        return Footprints(beside / scene.file, attribution=attribution or "")
    if scene.source == "cityjson":
        assert scene.file is not None
        return CityJSON(beside / scene.file, attribution=attribution or "")
    key = key_of(scene, "scene")
    if scene.source in ("3d-tiles", "google-3d-tiles", "cesium-ion"):
        return _tile_set(scene, beside, key, kept)
    return tiled(scene, key, beside, kept, schema=scene.tile_schema)


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
