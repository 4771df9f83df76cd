"""`GET /tiles/LAYER/Z/X/Y`: tile images by versioned address, with ETag."""

import re

from aiohttp import web

from protocol.errors import Code, ProtocolError
from protocol.message import COORDINATE_LIMIT, RENDERED, Layer
from services.config import AppConfig
from services.gateway.intake import LARGEST_ID, whole_number
from services.gateway.pyramid import HIGHEST, Pyramid
from services.gateway.shelf import Picture
from services.scene import PASSES, Pass

LAYER = re.compile(r"[a-z][a-z0-9_]{0,31}")
UNSEEN = {*RENDERED, *PASSES} - {"render"}
"""What is stored or worked out, and not shown under its own name."""
AS_PICTURE = "picture"
FOREVER = "public, max-age=31536000, immutable"


class Tiles:
    """Handlers of `/tiles/…`."""

    def __init__(self, pyramid: Pyramid, config: AppConfig) -> None:
        self._pyramid = pyramid
        self.take_over(config)

    def take_over(self, config: AppConfig) -> None:
        """Go by another configuration from now on."""
        self._passes = {str(name): name for name in config.passes}
        self._layers = ["render", *config.layers]

    def routes(self) -> list[web.RouteDef]:
        """The table of addresses."""
        return [web.get("/tiles/{layer}/{z}/{x}/{y}", self.tile)]

    async def tile(self, request: web.Request) -> web.Response:
        """One tile; 404 if nothing stands there, or 204 for whoever only looks whether there is one."""
        try:
            return await self._found(request)
        except ProtocolError as error:
            if error.code is Code.UNKNOWN_TILE and request.query.get("look") == "1":
                return web.Response(status=204, headers={"Cache-Control": "no-cache"})
            raise

    async def _found(self, request: web.Request) -> web.Response:
        asked = request.match_info
        layer, shows = asked["layer"], self._passes.get(asked["layer"])
        if shows is None and (layer in UNSEEN or not LAYER.fullmatch(layer)):
            raise self._unknown(layer)
        z = whole_number(asked["z"], "z", 0, HIGHEST)
        farthest = (COORDINATE_LIMIT >> z) + 1 if z else COORDINATE_LIMIT
        x = whole_number(asked["x"], "x", -farthest, farthest)
        y = whole_number(asked["y"], "y", -farthest, farthest)
        if shows is not None:
            return await self._pass(request, shows, z, x, y)
        version = request.query.get("v")
        number = whole_number(version, "v", 1, LARGEST_ID) if version is not None else None
        if z == 0:
            return await self._quadrant(request, layer, x, y, number)
        count, blend = request.query.get("n"), request.query.get("b")
        quadrants = whole_number(count, "n", 1, 4**z) if count is not None else None
        blended = whole_number(blend, "b", 0, 2**32 - 1) if blend is not None else None
        return await self._overview(request, layer, z, x, y, (number, quadrants, blended))

    async def _quadrant(
        self, request: web.Request, layer: Layer, x: int, y: int, version: int | None
    ) -> web.Response:
        if version is None:
            picture = await self._pyramid.current(layer, x, y)
        else:
            picture = await self._pyramid.version(layer, x, y, version)
        if picture is None:
            raise self._nothing(layer, f"Nothing stands at {x},{y} in {layer}.")
        return _unless_known(request, picture.etag, version is not None) or _image(
            picture, version is not None
        )

    async def _pass(self, request: web.Request, name: Pass, z: int, x: int, y: int) -> web.Response:
        """A pass as it follows from what stands now: it has no versions of its own, so it is never kept."""
        form = request.query.get("as", "values")
        if form not in ("values", AS_PICTURE):
            raise ProtocolError(Code.BAD_REQUEST, f"as: it must be values or {AS_PICTURE}.")
        if z == 0:
            source = await self._pyramid.derived.source(x, y)
            if source is None:
                raise ProtocolError(Code.UNKNOWN_TILE, f"Nothing stands at {x},{y} in render.")
            derived, shown = self._pyramid.derived, form == AS_PICTURE
            etag = derived.etag(name, source, shown=shown)
            return _unless_known(request, etag, False) or _image(
                await derived.picture(name, source, shown=shown), False
            )
        if form != AS_PICTURE:
            why = f"Values of {name} cannot be averaged, so they are at z 0 alone; add as={AS_PICTURE}."
            raise ProtocolError(Code.BAD_REQUEST, why)
        return await self._overview(request, "render", z, x, y, None, name)

    async def _overview(
        self,
        request: web.Request,
        layer: Layer,
        z: int,
        x: int,
        y: int,
        edition: tuple[int | None, int | None, int | None] | None,
        shows: Pass | None = None,
    ) -> web.Response:
        overview = await self._pyramid.overview(layer, z, x, y, shows)
        if overview is None:
            raise self._nothing(layer, f"Nothing stands in tile {x},{y} of {layer} at {z}.")
        # An address with any other numbers shows what stands now, but must not be kept for ever.
        forever = edition == (overview.newest, overview.count, overview.blend)
        return _unless_known(request, overview.etag, forever) or _image(
            await self._pyramid.picture(overview), forever
        )

    def _nothing(self, layer: Layer, said: str) -> ProtocolError:
        """The refusal of what is not there; a layer that no model draws any more may still be looked at."""
        known = layer in self._layers or layer in self._passes
        return ProtocolError(Code.UNKNOWN_TILE, said) if known else self._unknown(layer)

    def _unknown(self, layer: str) -> ProtocolError:
        """The refusal of a layer that there is not."""
        known = f"Layers are {', '.join([*self._layers, *self._passes])}"
        off = layer in PASSES and layer not in self._passes
        return ProtocolError(Code.UNKNOWN_TILE, f"{known}; add {layer} to passes." if off else f"{known}.")


def _unless_known(request: web.Request, etag: str, forever: bool) -> web.Response | None:
    """304 if the browser has exactly this."""
    known = request.if_none_match or ()
    if not any(tag.value in (etag, "*") for tag in known):
        return None
    return web.Response(status=304, headers=_headers(etag, forever))


def _image(picture: Picture, forever: bool) -> web.Response:
    return web.Response(body=picture.png, content_type="image/png", headers=_headers(picture.etag, forever))


def _headers(etag: str, forever: bool) -> dict[str, str]:
    return {"ETag": f'"{etag}"', "Cache-Control": FOREVER if forever else "no-cache"}
