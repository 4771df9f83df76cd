"""Servers of a tile set that misbehave when told to: a plain one, Google's and Cesium ion's."""

import asyncio
import json

from aiohttp import web
from aiohttp.test_utils import TestServer

KEY = "CANARY-9f3c2b"


class Files:
    """A server of the files at its root; `faults` says by name what goes wrong with one."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.faults: dict[str, str] = {}
        self.asked: list[web.Request] = []
        self.late_seconds = 0.0
        app = web.Application()
        app.router.add_get("/{path:.*}", self.on_get)
        self.web = TestServer(app)

    @property
    def origin(self) -> str:
        return str(self.web.make_url("/")).rstrip("/")

    async def on_get(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        return await self.answer(request, request.match_info["path"])

    async def answer(self, request: web.Request, name: str) -> web.StreamResponse:
        content = self.files.get(name)
        match self.faults.get(name):
            case "missing":
                content = None
            case "broken":
                return web.Response(status=500)
            case "key":
                return web.Response(status=403)
            case "corrupt":
                assert content is not None
                content = content[:24] + bytes(len(content) - 24)
            case "cut":
                assert content is not None
                content = content[:-60]
            case "page":
                content = b"<html>Not here</html>"
            case "moved":
                raise web.HTTPFound("http://127.0.0.1:9/elsewhere")
            case "stalls":
                await asyncio.sleep(60)
            case "late":
                await asyncio.sleep(self.late_seconds)
        return web.Response(status=404) if content is None else web.Response(body=content)


class Google(Files):
    """Answers root.json with a new session, and all else for a session that has not ended."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(files)
        self.sessions: list[str] = []
        self.ended: set[str] = set()

    async def answer(self, request: web.Request, name: str) -> web.StreamResponse:
        if request.query.get("key") != KEY:
            return web.json_response({"error": {"status": "PERMISSION_DENIED"}}, status=403)
        if name == "v1/3dtiles/root.json":
            self.sessions.append(f"S{len(self.sessions)}")
            # Below the root there is another file of the kind, and addresses start at the root of the server.
            content = {"uri": f"/v1/3dtiles/inner.json?session={self.sessions[-1]}"}
            volume = {"sphere": [0, 0, 0, 7e6]}
            root = {"boundingVolume": volume, "geometricError": 1e6, "children": [
                {"boundingVolume": volume, "geometricError": 1e5, "content": content}
            ], "refine": "REPLACE"}  # fmt: skip
            return web.json_response({"asset": {"version": "1.0"}, "geometricError": 1e6, "root": root})
        session = request.query.get("session")
        if session not in self.sessions or session in self.ended:
            return web.Response(status=400)
        name = name.removeprefix("v1/3dtiles/")
        return await super().answer(request, "tileset.json" if name == "inner.json" else name)


class Ion(Files):
    """Says where asset 7 lies, and gives its files to those who have the token."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(files)
        self.tokens = 0
        self.said: dict[str, object] = {}

    async def answer(self, request: web.Request, name: str) -> web.StreamResponse:
        bearer = request.headers.get("Authorization")
        if name == "v1/assets/7/endpoint":
            if bearer != f"Bearer {KEY}":
                return web.json_response({"code": "InvalidCredentials"}, status=401)
            self.tokens += 1
            thanks = [{"html": '<a href="https://example.org">Somebody</a> &amp; more', "collapsible": False}]
            said = {
                "type": "3DTILES",
                "url": f"{self.origin}/7/tileset.json?v=3",
                "accessToken": f"T{self.tokens}",
            }
            return web.json_response({**said, "attributions": thanks, **self.said})
        if bearer != f"Bearer T{self.tokens}":
            return web.Response(status=401)
        return await super().answer(request, name.removeprefix("7/"))


def uris(content: bytes) -> list[str]:
    """Every address in a tile set, in order."""
    found: list[str] = []
    waiting = [json.loads(content)["root"]]
    while waiting:
        tile = waiting.pop(0)
        found += [tile["content"]["uri"]] if "content" in tile else []
        waiting += tile.get("children", [])
    return found
