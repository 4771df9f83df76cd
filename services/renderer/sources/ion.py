"""Cesium ion: where an asset lies, and the token that opens it, are asked for with the key."""

import asyncio
import json
import re
from dataclasses import dataclass, replace
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

from services.renderer.sources.quota import Quota, Spent
from services.renderer.sources.server import REFUSED, Refusal, Server
from services.renderer.sources.source import SourceFault
from services.renderer.sources.tileserver import joined, read
from services.renderer.sources.tileset import LARGEST, Content, TileSet, described
from services.renderer.sources.version import of_server

ENDPOINT = "https://api.cesium.com"
ROOT = "asset/tileset.json"
"""What the page calls the root: where it truly lies is not known before it asks."""
DAILY_SESSIONS = 100
"""Where none is named; a token lasts an hour."""


@dataclass(frozen=True)
class Access:
    """What ion says of an asset."""

    url: str
    token: str
    attribution: str


class IonTiles(TileSet):
    """One asset of Cesium ion; the page sees neither the key nor the token."""

    def __init__(self, asset: int, key: str, endpoint: str | None, quota: Quota) -> None:
        super().__init__()
        self._api = f"{(endpoint or ENDPOINT).rstrip('/')}/v1/assets/{asset}/endpoint"
        self._key = key
        self._quota = quota
        self._access: Access | None = None
        self._asking = asyncio.Lock()
        self._server = Server()
        self._about = described(
            f"Cesium ion asset {asset}", "Cesium ion", ROOT, shadows=True, version=of_server()
        )

    async def close(self) -> None:
        await self._server.close()

    async def content(self, path: str, query: str) -> Content:
        access = await self._present(None)
        try:
            return await self._file(path, query, access)
        except Refusal as refusal:
            if refusal.status not in REFUSED:
                raise
        # Its token has ended.
        return await self._file(path, query, await self._present(access))

    async def _file(self, path: str, query: str, access: Access) -> Content:
        url = urlsplit(access.url)
        root = path == ROOT
        address = f"{url.scheme}://{url.netloc}/{url.path.lstrip('/') if root else path}"
        wanted = joined(address, url.query if root else query, [])
        found = read(address, await self._server.file(wanted, address, LARGEST, _bearer(access.token)))
        if not root:
            return found
        document = json.loads(found.content)
        _rebase(document.get("root"), url.path)
        return Content(address, json.dumps(document).encode(), found.kind)

    async def _present(self, ended: Access | None) -> Access:
        """Access that is not the one that ended; raises SourceFault."""
        async with self._asking:
            if self._access is not None and self._access != ended:
                return self._access
            try:
                await asyncio.to_thread(self._quota.take)
            except Spent as spent:
                raise SourceFault(self._api, str(spent)) from None
            except OSError as error:
                raise SourceFault(self._api, f"its sessions cannot be counted ({error.strerror})") from None
            access = _access(
                self._api, await self._server.file(self._api, self._api, LARGEST, _bearer(self._key))
            )
            self._about = replace(self._about, attribution=access.attribution or self._about.attribution)
            self._access = access
            return access


def _access(address: str, content: bytes) -> Access:
    try:
        said = json.loads(content)
        if said.get("externalType"):
            raise SourceFault(address, "the asset lies with another service; name that one as scene.source")
        if said.get("type") != "3DTILES":
            raise SourceFault(address, f"the asset is no 3D Tiles but {str(said.get('type'))[:40]}")
        url, token = str(said["url"]), str(said["accessToken"])
        thanks = [re.sub(r"<[^>]*>", "", str(one["html"])) for one in said.get("attributions", ())]
    except (ValueError, LookupError, TypeError, AttributeError):
        raise SourceFault(address, "ion did not say where the asset lies") from None
    if not url.startswith(("https://", "http://127.0.0.1:")):
        raise SourceFault(address, "ion names an address without https, where the token could be read")
    return Access(url, token, unescape(", ".join(thanks)))


def _rebase(tile: Any, base: str) -> None:
    """Let the addresses of a tile and those below start at the root of the server."""
    waiting = [tile]
    while waiting:
        tile = waiting.pop()
        if not isinstance(tile, dict):
            continue
        for content in (tile.get("content"), *(tile.get("contents") or ())):
            for name in ("uri", "url"):
                if isinstance(content, dict) and isinstance(content.get(name), str):
                    content[name] = urljoin(base, content[name])
        waiting += tile.get("children") or ()


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
