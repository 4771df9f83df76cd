"""Google's Photorealistic 3D Tiles: one session for all tiles, asked for seldom and counted."""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from services.renderer.sources.quota import Quota, Spent
from services.renderer.sources.server import Refusal, Server
from services.renderer.sources.source import SourceFault
from services.renderer.sources.tileserver import joined, read
from services.renderer.sources.tileset import LARGEST, Content, TileSet, described
from services.renderer.sources.version import of_server

ENDPOINT = "https://tile.googleapis.com"
ROOT = "v1/3dtiles/root.json"
DAILY_SESSIONS = 30
"""Where none is named: what is free in a month, spread over its days."""
SESSION_SECONDS = 2.5 * 3_600
"""A session serves for three hours at least."""
OLD_SECONDS = 600.0
"""A refusal within this time of a new session is not the session's fault."""
ENDED = (400, 401, 403, 404)


@dataclass(frozen=True)
class Session:
    """What one request for the root gave: the root itself, without the session in its addresses."""

    token: str
    root: str
    at: float


class GoogleTiles(TileSet):
    """The tiles behind root.json; the page sees neither the key nor the session."""

    def __init__(self, key: str, endpoint: str | None, quota: Quota, kept: Path | None) -> None:
        super().__init__()
        self._origin = (endpoint or ENDPOINT).rstrip("/")
        self._key = key
        self._quota = quota
        self._file = kept
        self._session: Session | None = None
        self._asking = asyncio.Lock()
        self._server = Server()
        self._about = described(
            "Google Photorealistic 3D Tiles", "Google", ROOT, shadows=False, version=of_server()
        )

    async def close(self) -> None:
        await self._server.close()

    async def content(self, path: str, query: str) -> Content:
        address = f"{self._origin}/{path}"
        session = await self._present(None)
        if path == ROOT:
            return Content(address, session.root.encode(), "application/json")
        try:
            return await self._file_of(address, query, session)
        except Refusal as refusal:
            if refusal.status not in ENDED or time.time() - session.at < OLD_SECONDS:
                raise
        return await self._file_of(address, query, await self._present(session))

    async def _file_of(self, address: str, query: str, session: Session) -> Content:
        along = [("session", session.token), ("key", self._key)]
        found = read(address, await self._server.file(joined(address, query, along), address, LARGEST))
        if found.kind != "application/json":
            return found
        return Content(address, _without_session(json.loads(found.content)).encode(), found.kind)

    async def _present(self, ended: Session | None) -> Session:
        """A session that is not the one that ended; raises SourceFault."""
        async with self._asking:
            for known in (self._session, self._kept()):
                if known and known != ended and 0 <= time.time() - known.at < SESSION_SECONDS:
                    self._session = known
                    return known
            address = f"{self._origin}/{ROOT}"
            try:
                await asyncio.to_thread(self._quota.take)
            except Spent as spent:
                raise SourceFault(address, str(spent)) from None
            except OSError as error:
                raise SourceFault(address, f"its sessions cannot be counted ({error.strerror})") from None
            content = await self._server.file(joined(address, "", [("key", self._key)]), address, LARGEST)
            document = json.loads(read(address, content).content)
            tokens = (parse_qs(urlsplit(uri).query).get("session") for _, uri in _addresses(document))
            token = next((found[0] for found in tokens if found), None)
            if token is None:
                raise SourceFault(address, "its root names no session")
            self._session = Session(token, _without_session(document), time.time())
            await asyncio.to_thread(self._keep, self._session)
            return self._session

    def _kept(self) -> Session | None:
        """The session that an earlier life of this process, or another renderer, has asked for."""
        try:
            said = json.loads(self._file.read_text()) if self._file else None
            return Session(str(said["token"]), str(said["root"]), float(said["at"])) if said else None
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def _keep(self, session: Session) -> None:
        """Put it where other renderers find it, for its owner alone; a full disk only costs another one."""
        if self._file is None:
            return
        with suppress(OSError):
            number, name = tempfile.mkstemp(dir=self._file.parent)
            with os.fdopen(number, "w") as opened:
                json.dump(asdict(session), opened)
            os.replace(name, self._file)


def _addresses(document: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Every object with an address in it, and that address."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if isinstance(value.get("uri"), str):
                yield value, value["uri"]
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _without_session(document: Any) -> str:
    for holder, uri in list(_addresses(document)):
        path, _, query = uri.partition("?")
        rest = urlencode([pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] != "session"])
        holder["uri"] = f"{path}?{rest}" if rest else path
    return json.dumps(document, separators=(",", ":"))
