"""3D Tiles from a server: what the page asks for is fetched there, and the key is added here."""

from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from services.renderer.sources.packed import BadContent
from services.renderer.sources.server import Server
from services.renderer.sources.source import SourceFault
from services.renderer.sources.tileset import LARGEST, Content, TileSet, checked, described
from services.renderer.sources.version import of_server


class TileSetServer(TileSet):
    """A tile set at `https://…/tileset.json`; its query, with `{key}` in it, goes along with every tile.

    All of it lies on that one server: what its tiles name elsewhere is not followed.
    """

    def __init__(self, address: str, key: str | None, *, attribution: str) -> None:
        super().__init__()
        url = urlsplit(address)
        self._origin = f"{url.scheme}://{url.netloc}"
        self._along = [
            (name, value.replace("{key}", key or ""))
            for name, value in parse_qsl(url.query, keep_blank_values=True)
        ]
        self._server = Server()
        self._about = described(
            url.hostname or "tiles", attribution, url.path.lstrip("/"), shadows=True, version=of_server()
        )

    async def close(self) -> None:
        await self._server.close()

    async def content(self, path: str, query: str) -> Content:
        address = f"{self._origin}/{path}"
        return read(address, await self._server.file(joined(address, query, self._along), address, LARGEST))


def joined(address: str, query: str, along: list[tuple[str, str]]) -> str:
    """The address with the query that a tile set gave, and what has to go along with it."""
    ours = {name for name, _ in along}
    given = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name not in ours]
    scheme, _, rest = address.partition("://")
    text = urlencode([*given, *along])
    return f"{scheme}://{quote(rest, safe='/:@!$&()*+,;=~-._[]')}" + (f"?{text}" if text else "")


def read(address: str, content: bytes) -> Content:
    """The file as the page gets it; raises SourceFault if it is broken."""
    try:
        plain, kind = checked(address, content)
    except BadContent as error:
        raise SourceFault(address, str(error)) from None
    return Content(address, plain, kind)
